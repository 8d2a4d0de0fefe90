import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { PAGES_FOLDER } from '../src/pages.ts'

/** Builds the pages to where the server reads them from. Nothing is inlined: the content security policy allows none of it. */
export async function buildPages(folder: string = PAGES_FOLDER): Promise<void> {
  await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    logLevel: 'warn',
    // Instead of tsconfig.json's: esbuild does not know its target.
    esbuild: { tsconfigRaw: '{}', jsx: 'automatic', jsxImportSource: 'preact' },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: 'es2022',
      assetsInlineLimit: 0,
      modulePreload: false,
    },
  })
}

if (import.meta.main) await buildPages()
