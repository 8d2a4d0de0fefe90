export { readConfig, type ConsoleConfig, type WatchedInstance } from './config.ts'
export { PAGES_FOLDER, readPages } from './pages.ts'
export { createConsole, type ConsoleOptions } from './server.ts'
export type * from './snapshot.ts'
