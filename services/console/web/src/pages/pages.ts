import type { ComponentType } from 'preact'
import type { Snapshot } from '../../../src/snapshot.ts'
import { Overview } from './overview.tsx'

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
export const PAGES: readonly [Page, ...Page[]] = [{ path: '#/', name: 'Overview', Content: Overview }]
