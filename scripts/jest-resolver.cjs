// TypeScript sources import each other as `./file.js`. Packages in node_modules mean what they say, hence no blanket map.
const { existsSync } = require('node:fs');
const { resolve } = require('node:path');

module.exports = (request, options) => {
  if (request.endsWith('.js') && request.startsWith('.') && !options.basedir.includes('node_modules')) {
    const source = resolve(options.basedir, `${request.slice(0, -3)}.ts`);
    if (existsSync(source)) return source;
  }
  return options.defaultResolver(request, options);
};
