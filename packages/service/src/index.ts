export { Environment, type CommonConfig, type NumberRule } from './environment.ts'
export { createServer, type ServiceOptions } from './server.ts'
export { configOrExit, runService } from './run-service.ts'
