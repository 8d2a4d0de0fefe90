import { readFileSync } from 'node:fs'
import { FOREIGN_PAGES } from '../.vitepress/repository.ts'

const root = new URL('../../', import.meta.url)

export default {
  paths: () =>
    FOREIGN_PAGES.map(({ name, file }) => ({
      params: { name },
      content: readFileSync(new URL(file, root), 'utf8'),
    })),
}
