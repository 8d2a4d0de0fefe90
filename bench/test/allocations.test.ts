import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

/**
 * Of the JavaScript heap, for one booking through the whole job. Every run gives the same to a byte (1,781), on a busy machine as
 * well, so one more small object per booking is over the bound. A change that needs more raises it and says why; one that needs
 * less lowers it.
 */
const MOST_BYTES_PER_BOOKING = 1_400
/** Without it code is optimized a little sooner or later, which differs from run to run. */
const COMPILES_IN_PLACE = '--no-concurrent-recompilation'

const probe = join(import.meta.dirname, '..', 'src', 'micro', 'allocation-probe.ts')

test('a booking takes no more memory on its way through the job than it did', async t => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@tributary/source',
    COMPILES_IN_PLACE,
    probe,
  ])
  const { bytesPerBooking } = JSON.parse(stdout) as { readonly bytesPerBooking: readonly number[] }
  t.diagnostic(`bytes per booking: ${bytesPerBooking.map(Math.round).join(', ')}`)
  // The least: code that is still being compiled takes more.
  const least = Math.min(...bytesPerBooking)
  assert.ok(least > 0 && least <= MOST_BYTES_PER_BOOKING, `${Math.round(least)} bytes per booking`)
})
