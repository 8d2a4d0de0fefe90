import { IntType, type Tap } from '../avsc-internals.ts'

/** avsc does not export its taps, but hands one to every type that reads. */
function captureTap(): Tap {
  let captured: Tap | undefined
  class Probe extends IntType {
    override _read(tap: Tap): number {
      captured = tap
      return tap.readInt()
    }
  }
  new Probe().decode(Buffer.alloc(1), 0)
  return captured as Tap
}

/**
 * The tap by which generated code lets avsc's types read or write what it does not know itself. One for the process: it is
 * set before each use.
 */
export const TAP: { buf: Buffer } & Omit<Tap, 'buf'> = captureTap()
