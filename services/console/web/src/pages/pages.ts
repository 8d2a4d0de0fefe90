import type { ComponentType } from 'preact'
import type { Snapshot } from '../../../src/snapshot.ts'
import { DeadLetters } from './dead-letters.tsx'
import { Lag } from './lag.tsx'
import { Overview } from './overview.tsx'
import { Sink } from './sink.tsx'
import { Tables } from './tables.tsx'
import { Topology } from './topology.tsx'

export interface PageProps {
  readonly snapshot: Snapshot
}

interface Page {
  /** Behind # in the address. */
  readonly path: string
  readonly name: string
  readonly Content: ComponentType<PageProps>
}

/** The first is where one begins. */
export const PAGES: readonly [Page, ...Page[]] = [
  { path: '#/', name: 'Overview', Content: Overview },
  { path: '#/topology', name: 'Topology', Content: Topology },
  { path: '#/tables', name: 'Tables', Content: Tables },
  { path: '#/lag', name: 'Lag', Content: Lag },
  { path: '#/sink', name: 'Sink', Content: Sink },
  { path: '#/dead-letters', name: 'Dead letters', Content: DeadLetters },
]
