export { createServer, type ServiceOptions } from './server.ts'
export { runService } from './run-service.ts'
