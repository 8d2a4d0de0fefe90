import { styleText } from 'node:util'

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold'
export type Paint = (colour: Colour, text: string) => string

/** Colours for a terminal; without one the text as it is. */
export function painter(isColoured: boolean): Paint {
  return isColoured ? (colour, text) => styleText(colour, text, { validateStream: false }) : (_, text) => text
}

/** https://no-color.org: any value but the empty one. */
export function wantsColours(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
}
