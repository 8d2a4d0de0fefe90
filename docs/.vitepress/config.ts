import { defineConfig } from 'vitepress'
import { repositoryLinks } from './links.ts'
import { sidebar } from './sidebar.ts'

export default defineConfig({
  title: 'Tributary',
  description: 'Kafka Streams for TypeScript: typed topologies, tables in memory, tests without a broker',
  lang: 'en',
  srcExclude: ['README.md'],
  cacheDir: '../.local/vitepress',
  // The build is compared with nothing and deployed by whoever has a place for it; it asks no other host for anything.
  metaChunk: true,
  markdown: {
    config: repositoryLinks,
    theme: { light: 'github-light-high-contrast', dark: 'github-dark' },
  },
  themeConfig: {
    search: { provider: 'local', options: { detailedView: true } },
    outline: [2, 3],
    nav: [
      { text: 'Guide', link: '/guide/', activeMatch: '^/guide/(?!coming)' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
      { text: 'From Kafka Streams', link: '/guide/coming-from-kafka-streams' },
    ],
    sidebar: sidebar(),
    docFooter: { prev: 'Before', next: 'Next' },
  },
})
