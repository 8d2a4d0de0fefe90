export { Environment, type CommonConfig } from './environment.ts'
export { createServer, type ServiceOptions } from './server.ts'
export { configOrExit, runService } from './run-service.ts'
