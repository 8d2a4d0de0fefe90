/**
 * An option or environment variable that cannot be used. The message names it, says what was seen and what is
 * allowed.
 */
export class SimulatorConfigError extends Error {
  readonly code = 'SIMULATOR_CONFIG_INVALID'
  override readonly name = 'SimulatorConfigError'
}
