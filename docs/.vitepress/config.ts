import { defineConfig } from 'vitepress'
import { repositoryLinks } from './links.ts'
import { sidebar } from './sidebar.ts'

export default defineConfig({
  title: 'Tributary',
  description: 'Kafka Streams for TypeScript: typed topologies, tables in memory, tests without a broker',
  lang: 'en',
  srcExclude: ['README.md'],
  cacheDir: '../.local/vitepress',
  metaChunk: true,
  head: [['link', { rel: 'icon', href: '/tributary.svg', type: 'image/svg+xml' }]],
  transformPageData: ({ relativePath, frontmatter }) => {
    // Wide tables, and a few headings at most.
    if (/^reference\/(config|environment|errors|package-errors|metrics)\.md$/.test(relativePath))
      frontmatter['aside'] = false
  },
  markdown: {
    config: repositoryLinks,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
  },
  themeConfig: {
    logo: '/tributary.svg',
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    nav: [
      { text: 'Tutorial', link: '/tutorial/', activeMatch: '^/tutorial/' },
      { text: 'Guide', link: '/guide/', activeMatch: '^/guide/(?!coming)' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
      { text: 'From Kafka Streams', link: '/guide/coming-from-kafka-streams' },
    ],
    sidebar: sidebar(),
    docFooter: { prev: 'Before', next: 'Next' },
  },
})
