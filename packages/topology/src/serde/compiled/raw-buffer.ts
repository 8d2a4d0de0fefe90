/** What Node's Buffer has beyond its type declarations: reading and writing text without the checks of `toString`. */
export interface RawBuffer extends Buffer {
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  /** Answers how many bytes it wrote; a character that does not fit is left out. */
  utf8Write(text: string, offset: number, length: number): number
}
