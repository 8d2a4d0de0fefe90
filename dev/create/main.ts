import { CreateError } from 'create-tributary'
import { createFromRepository } from './from-repository.ts'

// `npm run create -- FOLDER`: what `npm create tributary FOLDER` does, with the library of this repository.

const USAGE = `Usage: npm run create -- <folder>

Makes a project in the folder, which has to be empty or new; its library is the one of this repository, packed.
`

const [folder, ...more] = process.argv.slice(2)
if (folder === '--help' || folder === '-h') console.log(USAGE)
else if (folder === undefined || more.length > 0 || folder.startsWith('-')) {
  console.error(USAGE)
  process.exitCode = 2
} else {
  try {
    const project = await createFromRepository(folder)
    console.log(`${project.name} is there. Next:\n\n  cd ${project.folder}\n  npm install\n  npm test\n`)
  } catch (error) {
    if (!(error instanceof CreateError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
