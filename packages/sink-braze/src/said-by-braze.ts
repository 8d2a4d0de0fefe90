/** Words that Braze's errors put in quotes although they are no values: fields of its objects. */
const FIELD_NAMES = new Set([
  'external_id',
  'user_alias',
  'alias_name',
  'alias_label',
  'braze_id',
  'email',
  'phone',
  'name',
  'time',
  'properties',
  'product_id',
  'currency',
  'price',
  'quantity',
  'app_id',
  'attributes',
  'events',
  'purchases',
])

/**
 * What Braze says of an object, for a log. It may repeat what it was sent, so words are shown that cannot be a value:
 * without digits and addresses, and with nothing in quotes but names of Braze's own fields. A dead letter has it in full.
 */
export function saidForLog(text: string): string {
  const withoutFields = text.replaceAll(/'([a-z_]+)'/g, (quoted, word: string) =>
    FIELD_NAMES.has(word) ? word : quoted,
  )
  if (/^[\w\s,.;:()-]*$/.test(withoutFields) && !/\d/.test(withoutFields)) return text
  return `(${text.length} characters that may hold a value)`
}
