import fc from 'fast-check'
import { oracleSeed as seed } from '../../../../test-support/oracle.ts'

fc.configureGlobal({ seed })
process.stdout.write(`ORACLE_SEED=${seed}\n`)
