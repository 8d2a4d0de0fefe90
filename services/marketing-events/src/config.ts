import { Environment, type CommonConfig } from '@tributary/service'

/** What the service is told by its environment. */
export interface ServiceConfig extends CommonConfig {
  readonly activitiesApiUrl: string
}

/** Throws one Error that names every fault and what is allowed. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): ServiceConfig {
  const environment = new Environment('marketing-events', env)
  const config = {
    ...environment.common(),
    activitiesApiUrl: environment.required('ACTIVITIES_API_URL', 'the URL of activities-api'),
  }
  environment.check()
  return config
}
