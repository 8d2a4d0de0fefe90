import type { MarkdownRenderer } from 'vitepress'
import { fileOfPage, siteLink } from './repository.ts'

type Token = ReturnType<MarkdownRenderer['parse']>[number]

/** A markdown-it plugin: links to files of the repository lead to the site's pages, or are none (see `repository.ts`). */
export function repositoryLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const file = fileOfPage((env as { readonly relativePath: string }).relativePath)
    for (const { children } of tokens) if (children !== null) rewrite(children, file)
  })
}

function rewrite(tokens: readonly Token[], file: string): void {
  let isDropped = false
  for (const token of tokens) {
    if (token.type === 'link_open') {
      const route = siteLink(decodeURI(String(token.attrGet('href'))), file)
      isDropped = route === undefined
      if (route !== undefined) token.attrSet('href', route)
    }
    if (!isDropped || (token.type !== 'link_open' && token.type !== 'link_close')) continue
    if (token.type === 'link_close') isDropped = false
    // Kept as a span, because the two tokens have to stay a pair; the path is what there is to know of the target.
    if (token.type === 'link_open')
      token.attrs = [
        ['class', 'repository-path'],
        ['title', `${token.attrGet('href')} (in the repository)`],
      ]
    token.tag = 'span'
    token.type = token.type === 'link_open' ? 'span_open' : 'span_close'
  }
}
