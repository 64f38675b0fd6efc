/**
 * uPlot formats numbers in the browser's language as soon as it is loaded. Chromium under the POSIX locale names one that there is
 * none of (`en-US@posix`), which would be an error: to be imported before it.
 */
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}

export {};
