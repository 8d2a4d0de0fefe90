import { writeFile } from 'node:fs/promises'
import { repositoryRoot } from '../stack/repository.ts'
import { environmentPage, packageErrorsPage } from './pages.ts'

// `npm run reference` writes the pages that are made of others; a test says when what is there is not what comes out here.

for (const { file, text } of [environmentPage(), packageErrorsPage()]) {
  await writeFile(`${repositoryRoot}/${file}`, text)
  console.log(file)
}
