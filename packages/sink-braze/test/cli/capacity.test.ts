import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { runCli } from '../../src/cli/run.ts'
import { drainSeconds } from '../../src/cli/capacity/drain.ts'
import { partitionQuotas } from '../../src/cli/capacity/sharing.ts'
import { oracle } from '../../../../test-support/oracle.ts'

/** Braze answers at once, unless the test says otherwise. */
function run(args: string, hasColours = false) {
  const latency = args.startsWith('capacity --') && !args.includes('--latency-ms') ? ' --latency-ms 0' : ''
  let out = ''
  let err = ''
  const code = runCli(`${args}${latency}`.split(' '), {
    print: text => void (out += text),
    complain: text => void (err += text),
    hasColours,
  })
  return { code, out, err }
}

function answer(args: string) {
  const { code, out, err } = run(`capacity ${args} --json`)
  assert.equal(err, '')
  return { code, ...JSON.parse(out) }
}

test('a contract by data points: 15,000 events a second with an attributes object each', () => {
  // 15,000 × 2 = 30,000 objects/s ÷ 75 = 400 requests/s = 1,200 in 3 s, of 3,000. 1,000 requests/s × 75 ÷ 2 = 37,500.
  const { code, peak, worstHour, carries } = answer('--events-per-second 15000 --fill 75')
  assert.deepEqual(peak, {
    objectsPerSecond: 30_000,
    requestsPerSecond: 400,
    requestsPerWindow: 1_200,
    placesInWindow: 1_200,
    underWayPerReplica: 0,
    shareOfWindow: 0.4,
    carriedEventsPerSecond: 37_500,
  })
  assert.equal(worstHour.requests, 1_440_000)
  assert.equal(worstHour.shareOfHour, null)
  assert.deepEqual([code, carries], [0, true])
})

test('requests under way take places in the window, and as many of them have to be allowed', () => {
  // 400 requests/s × (3 s + 0.2 s) = 1,280 places of 3,000; 400 × 0.2 s = 80 under way, 40 in each of two processes.
  const args = '--events-per-second 15000 --fill 75 --latency-ms 200 --replicas 3 --partitions 2'
  const { peak, advice, carries } = answer(args)
  assert.deepEqual([peak.placesInWindow, peak.underWayPerReplica], [1_280, 40])
  assert.equal(peak.shareOfWindow, 1_280 / 3_000)
  assert.equal(peak.carriedEventsPerSecond, ((3_000 / 3.2) * 75) / 2)
  assert.match(advice[0], /with 200 ms to an answer a process has 40 requests under way .* at least that/)
  assert.equal(carries, true)
  // 975 requests/s fit into 3 s, but not with those under way.
  const tight = '--events-per-second 73125 --attributes-per-event 0 --fill 75'
  assert.equal(answer(tight).code, 0)
  assert.equal(answer(`${tight} --latency-ms 100`).code, 1)
  assert.match(
    run(`capacity ${args}`).out,
    /1,280 places in the window .*\n.*\nUnder way +40 requests at a time/,
  )
})

test('the urgent reserve is not for updates: a backlog of them drains slower, and near the limit they wait', () => {
  // 1,000 × 0.8 − 700 = 100 requests/s instead of 300, for 30,000 requests.
  const args =
    '--events-per-second 52500 --attributes-per-event 0 --fill 75 --backlog 2250000 --urgent-reserve 20%'
  const { drainSeconds: mixed, drainSecondsOfUpdates: updates, advice } = answer(args)
  assert.deepEqual([mixed, Math.round(updates)], [100, 300])
  assert.deepEqual(advice, [])
  assert.match(run(`capacity ${args}`).out, /profile updates alone, which leave 20 % to events: 5 min/)
  const near = answer('--events-per-second 34875 --fill 75')
  assert.equal(near.peak.shareOfWindow, 0.93)
  assert.match(near.advice[0], /above 90 % of a limit only requests with an event go/)
  assert.deepEqual(answer('--events-per-second 34875 --fill 75 --urgent-reserve 0').advice, [])
  assert.match(run('capacity --events-per-second 1 --urgent-reserve 0.6').err, /a share from 0 to 0.5/)
})

test('what is suppressed or folded is not sent; the events are', () => {
  // 2 × (1 − 0.5) × (1 − 0.25) = 0.75 attributes objects, so 1.75 per event; 40 × 1.75 ÷ 70 = 1 request/s.
  const { objectsPerEvent, peak } = answer(
    '--events-per-second 40 --attributes-per-event 2 --suppressed 50% --folding 0.25',
  )
  assert.equal(objectsPerEvent, 1.75)
  assert.equal(peak.requestsPerSecond, 1)
})

test('the limits are reached exactly, and passed by one event a second more', () => {
  // 70 events/s of one object = 1 request/s = 3 in 3 s, and 3,600 in the hour.
  const limits = '--attributes-per-event 0 --limit-per-3s 3 --limit-per-hour 3600 --linger-ms 60000'
  const full = answer(`--events-per-second 70 ${limits}`)
  assert.deepEqual([full.code, full.peak.shareOfWindow, full.worstHour.shareOfHour], [0, 1, 1])
  const over = answer(`--events-per-second 71 ${limits}`)
  assert.deepEqual([over.code, over.carries], [1, false])
  assert.deepEqual(over.reasons, [
    'the peak needs more requests in three seconds than the burst limit allows',
    'the worst hour needs more requests than the hourly limit allows',
  ])
})

test('at a low rate requests leave thin, and the worst hour counts them as they leave', () => {
  // 2 replicas × 20 objects/s × 0.2 s = 4, and the one that began it: 5 in a request. 40 ÷ 5 = 8 requests/s = 28,800.
  const thin = answer(
    '--events-per-second 40 --attributes-per-event 0 --limit-per-hour 20000 --replicas 2 --partitions 2',
  )
  assert.equal(thin.worstHour.fill, 5)
  assert.equal(thin.worstHour.requests, 28_800)
  assert.equal(thin.code, 1)
  assert.match(
    thin.advice[0],
    /requests leave thin after 200 ms: they need 144 % of the hourly limit, full ones/,
  )
})

test('the worst hour is the one with the most requests, and the largest mean is the peak unless one is given', () => {
  const { worstHour, peak } = answer('--profile 100,700,350 --attributes-per-event 0 --limit-per-hour 40000')
  assert.deepEqual([worstHour.hour, worstHour.requests], [1, 36_000])
  assert.equal(worstHour.shareOfHour, 0.9)
  assert.equal(peak.requestsPerSecond, 10)
})

test('a backlog drains at what the arriving events leave over', () => {
  // 1,000 − 7,500 ÷ 75 = 900 requests/s for 54,000 requests.
  const args = '--events-per-second 7500 --attributes-per-event 0 --fill 75'
  assert.equal(answer(`${args} --backlog 4050000`).drainSeconds, 60)
  assert.match(run(`capacity ${args} --backlog 4050000`).out, /4,050,000 objects drain in: 60 s/)
})

test('a quarter of the hour is spent at once, and the rest as it accrues, beside what arrives', () => {
  // 18,000 in the hour: 4,500 at once, 3.75/s besides. At 10/s they last 4,500 ÷ 6.25 = 720 s; then 3.75/s. 2/s arrive:
  // 8 × 720 = 5,760 and 1.75 × 2,880 = 5,040, so 10,800 in an hour. 12,400 − 10,800 = 1,600, gone 200 s into the next.
  const args =
    '--events-per-second 20 --attributes-per-event 0 --fill 10 --linger-ms 60000 --limit-per-3s 30 --limit-per-hour 18000'
  assert.equal(answer(`${args} --backlog 124000`).drainSeconds, 3_600 + 200)
})

test('a backlog that arrives faster than it leaves never drains', () => {
  const {
    code,
    drainSeconds: drain,
    reasons,
  } = answer('--events-per-second 100 --attributes-per-event 0 --fill 10 --limit-per-3s 30 --backlog 10')
  assert.deepEqual([code, drain, reasons], [1, 'never', ['the backlog never drains']])
})

const ROUNDS = 40

test('draining agrees with a count second by second', () => {
  const hours = fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 3 })
  const property = fc.property(
    hours,
    fc.integer({ min: 1, max: 300_000 }),
    fc.boolean(),
    (rates, backlog, hasHour) => {
      const perHour = hasHour ? 100_000 : undefined
      const load = {
        peakEventsPerSecond: 90,
        hours: rates,
        attributesPerEvent: 0,
        suppressedShare: 0,
        foldedShare: 0,
        fill: 1,
        latencyMs: 0,
        urgentReserve: 0,
        lingerMs: 0,
        replicas: 1,
        partitions: undefined,
        backlog,
      }
      const exact = drainSeconds(load, { perWindow: 150, perHour }, 1)
      const counted = drainSecondBySecond(rates, backlog, { perSecond: 50, perHour: perHour ?? Infinity })
      if (exact > ROUNDS * rates.length * 3_600 - 1) return counted === Infinity
      return Math.abs(counted - exact) <= 1
    },
  )
  oracle(property, { runs: 60 })
})

/** Naive, and given up after so many rounds of the profile. */
function drainSecondBySecond(
  rates: readonly number[],
  backlog: number,
  { perSecond, perHour }: { readonly perSecond: number; readonly perHour: number },
): number {
  let left = backlog
  let credit = 0
  const seconds = ROUNDS * rates.length * 3_600
  for (let second = 0; second < seconds; second += 1) {
    if (second % 3_600 === 0) credit = perHour / 4
    credit += (perHour * 3) / 4 / 3_600
    const rate = rates[Math.floor(second / 3_600) % rates.length] ?? 0
    const sent = Math.min(perSecond, credit)
    credit -= sent
    left += rate - sent
    if (left <= 0) return second + 1
  }
  return Infinity
}

test('the parts of the partitions are whole numbers that add up to the limit', () => {
  assert.deepEqual(partitionQuotas(10, 4), [2, 3, 2, 3])
  assert.deepEqual(partitionQuotas(2, 5), [0, 0, 1, 0, 1])
  oracle(
    fc.property(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 1, max: 500 }),
      (limit, partitions) => {
        const quotas = partitionQuotas(limit, partitions)
        assert.equal(
          quotas.reduce((sum, quota) => sum + quota, 0),
          limit,
        )
        assert.ok(
          quotas.every(
            quota => quota === Math.floor(limit / partitions) || quota === Math.ceil(limit / partitions),
          ),
        )
      },
    ),
  )
})

test('replicas are judged by the least that their partitions may have', () => {
  // Quotas of 10 over 4 partitions: 2, 3, 2, 3. A replica with two of them may have 4, but needs half of 9: 4.5.
  const args = '--events-per-second 30 --attributes-per-event 0 --fill 10 --limit-per-3s 10 --partitions 4'
  const shared = answer(`${args} --replicas 2`)
  assert.deepEqual(shared.sharing.perWindow, [2, 3, 2, 3])
  assert.deepEqual(shared.sharing.replicas, [{ partitions: 2, perWindow: 4 }])
  assert.equal(shared.code, 1)
  assert.match(shared.reasons[0], /a replica with 2 of 4 partitions may be left with too small a part/)
  assert.equal(answer(`${args} --replicas 1`).code, 0)
  const idle = answer('--events-per-second 1 --replicas 6 --partitions 4')
  assert.deepEqual([idle.sharing.idleReplicas, idle.code], [2, 0])
  const uneven = answer('--events-per-second 1 --replicas 3 --partitions 4')
  assert.deepEqual(
    uneven.sharing.replicas.map(({ partitions }: { partitions: number }) => partitions),
    [1, 2],
  )
})

test('contracts whose limits are not published need them, and a legacy request holds 75 of each kind', () => {
  const mau = run('capacity --contract mau --events-per-second 5 --limit-per-3s 900')
  assert.equal(mau.code, 2)
  assert.match(mau.err, /--limit-per-hour are needed with --contract mau.*API Usage Dashboard/)
  assert.equal(
    answer('--contract mau --events-per-second 5 --limit-per-3s 900 --limit-per-hour 9000 --linger-ms 60000')
      .code,
    0,
  )
  // One attributes object per event: 75 of each.
  assert.equal(answer('--contract legacy --events-per-second 300 --fill 150').peak.requestsPerSecond, 4)
  assert.match(
    run('capacity --contract legacy --events-per-second 300 --fill 151').err,
    /a request holds 150\.\n/,
  )
  assert.match(
    run('capacity --contract legacy --events-per-second 3 --attributes-per-event 0 --fill 76').err,
    /holds 75\.\n/,
  )
  assert.match(run('capacity --events-per-second 300 --fill 76').err, /a request holds 75 objects/)
})

test('called wrongly, it says what is allowed and ends with 2', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['capacity', /--events-per-second \(or --profile\) is missing/],
    ['capacity --events-per-second -5', /ambiguous|--events-per-second/],
    ['capacity --events-per-second 0', /must be above 0/],
    ['capacity --events-per-second many', /--events-per-second is 'many'; allowed: a number from 0 on/],
    ['capacity --events-per-second 5 --mean 6', /An hour's mean, 6, is above the peak, 5/],
    ['capacity --profile 1,2 --mean 1', /exclude each other/],
    ['capacity --profile 1,,2', /--profile is ''/],
    ['capacity --events-per-second 5 --suppressed 1.5', /--suppressed is '1.5'; allowed: a share/],
    [
      'capacity --events-per-second 5 --contract gold',
      /--contract is gold; allowed: data-points, legacy, mau/,
    ],
    ['capacity --events-per-second 5 --replicas 2', /--partitions is missing/],
    [
      'capacity --events-per-second 5 --limit-per-3s 0',
      /--limit-per-3s is '0'; allowed: a whole number from 1/,
    ],
    ['capacity --events-per-second 5 --fil 3', /Unknown option '--fil'/],
    ['capacity 5', /Unexpected argument '5'/],
    ['measure', /There is no command braze measure/],
  ]
  for (const [args, message] of cases) {
    const { code, out, err } = run(args)
    assert.deepEqual([code, out], [2, ''], args)
    assert.match(err, message)
  }
})

test('every example of the help runs', () => {
  const { out, code } = run('capacity --help')
  assert.equal(code, 0)
  const examples = out.split('\n').filter(line => line.startsWith('  tributary braze '))
  assert.equal(examples.length, 3)
  for (const example of examples) {
    const { code: exitCode, err } = run(example.trim().replace('tributary braze ', ''))
    assert.deepEqual([exitCode, err], [0, ''], example)
  }
})

test('the report names limit, share, headroom and verdict, in colours only where they are shown', () => {
  const args = 'capacity --events-per-second 40000 --attributes-per-event 1'
  const plain = run(args).out
  assert.match(plain, /3,428.6 requests in 3 s at the peak, .*: 114.3 % of 3,000; headroom -14.3 %/)
  assert.match(plain, /The limits do not carry it: the peak needs more requests/)
  assert.ok(!plain.includes('\u001b['))
  const coloured = run(args, true).out
  assert.ok(coloured.includes('\u001b[31m'))
  // oxlint-disable-next-line no-control-regex
  assert.equal(coloured.replaceAll(/\u001b\[\d+m/g, ''), plain)
})
