import type { ResultsFile } from './results-file.ts'

/** A part of the document, with the drawings that it shows, by their path beside the document. */
export interface Section {
  readonly markdown: string
  readonly drawings: Readonly<Record<string, string>>
}

/** A machine's, by kind. */
export type Results = ReadonlyMap<string, ResultsFile>

/** How a figure is had again. */
export function repeat({ command }: ResultsFile): string {
  return `Repeat: \`${command}\``
}

interface Titled {
  readonly name: string
  readonly title: string
}

/** The contestants as the file names them. */
export function contestantsOf({ options }: ResultsFile): readonly Titled[] {
  return (options as { readonly contestants: readonly Titled[] }).contestants
}
