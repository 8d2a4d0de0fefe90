import fc from 'fast-check'

/** The seed of this run's properties, printed so that a failure can be replayed with `ORACLE_SEED`. */
const seed = Number(process.env['ORACLE_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

fc.configureGlobal({ seed })
process.stdout.write(`ORACLE_SEED=${seed}\n`)
