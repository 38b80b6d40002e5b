import { defineConfig } from 'vite';

export default defineConfig({
  // Relative addresses: the page works under whatever path it is mounted.
  base: './',
  build: {
    outDir: 'build',
    emptyOutDir: true,
    // Small files stay files: the content security policy allows no data: scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4000,
    license: { fileName: 'licenses.md' },
    modulePreload: { polyfill: false },
    target: 'es2022',
    rolldownOptions: {
      // "use client" means nothing outside a server framework.
      onLog(level, log, handler) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handler(level, log);
      },
    },
  },
  worker: { format: 'es' },
});
