import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const repositoryRoot: string = fileURLToPath(new URL('../../', import.meta.url))

export interface CodeBlock {
  /** Of its first line of code, from 1. */
  readonly line: number
  /** `ts`, `sh`, …; nothing for what is no code. */
  readonly language: string
  /** What ```` ```ts [src/topology.ts] ```` says in brackets. */
  readonly title: string | undefined
  /** ```` ```sh run ```` */
  readonly isRun: boolean
  /** What ```` ```sh not-run: needs a broker ```` says. */
  readonly notRunBecause: string | undefined
  readonly code: string
}

export interface Page {
  /** In the repository. */
  readonly file: string
  readonly text: string
  readonly blocks: readonly CodeBlock[]
  /** `<!-- ts … -->`: declarations that the blocks need, and that would keep a reader from the point. */
  readonly declarations: readonly { readonly line: number; readonly code: string }[]
}

const PAGES = ['*.md', 'docs/**/*.md', 'examples/*/*.md', 'packages/*/*.md', 'services/*/*.md']

/** Every Markdown page that a user of the project may read. */
export function pages(): readonly Page[] {
  return globSync(PAGES, { cwd: repositoryRoot, exclude: ['**/node_modules', '**/dist', '**/.local'] })
    .sort()
    .map(file => parsePage(file, readFileSync(repositoryRoot + file, 'utf8')))
}

export function parsePage(file: string, text: string): Page {
  const lineAt = (index: number): number => text.slice(0, index).split('\n').length
  const blocks = [...text.matchAll(/^( *)```(.*)\n((?:.*\n)*?)\1```$/gm)].map(match => {
    const [, indent = '', info = '', code = ''] = match
    return {
      line: lineAt(match.index) + 1,
      language: /^\w*/.exec(info)?.[0] ?? '',
      title: /\[(.+)\]/.exec(info)?.[1],
      isRun: /^\w+ run$/.test(info),
      notRunBecause: /not-run: (.+)$/.exec(info)?.[1],
      code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }
  })
  const declarations = [...text.matchAll(/^<!-- ts\n(.*?)^-->$/gms)].map(match => ({
    line: lineAt(match.index) + 1,
    code: match[1] ?? '',
  }))
  return { file, text, blocks, declarations }
}
