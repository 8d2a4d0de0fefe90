import { createContentLoader } from 'vitepress'

declare const data: { readonly url: string; readonly title: string }[]
export { data }

export default createContentLoader('decisions/0*.md', {
  includeSrc: true,
  transform: pages =>
    pages
      .map(({ url, src }) => ({ url, title: /^# (.*)$/m.exec(src ?? '')?.[1] ?? url }))
      .sort((a, b) => a.url.localeCompare(b.url)),
})
