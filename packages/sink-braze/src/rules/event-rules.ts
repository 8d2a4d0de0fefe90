import type { BrazeObjectKind } from '../objects.ts'
import { isBrazeTime } from './braze-time.ts'
import {
  findValue,
  isFields,
  isGiven,
  isLongerThan,
  isLongText,
  jsonBytes,
  MAX_CHARACTERS,
  shortened,
  sources,
  without,
  type BrazeRule,
  type Fields,
  type Mend,
} from './rule.ts'

// The pages say "100 KB" and "50 KB"; what keeps to the smaller reading keeps to both.
const MAX_EVENT_PROPERTIES_BYTES = 100_000
const MAX_PURCHASE_PROPERTIES_BYTES = 50_000
const MAX_QUANTITY = 100
const MAX_PROPERTIES = 256
const RESERVED: Readonly<Record<'event' | 'purchase', readonly string[]>> = {
  event: ['time', 'event_name'],
  purchase: ['time', 'product_id', 'quantity', 'event_name', 'price', 'currency'],
}
const BOTH: readonly BrazeObjectKind[] = ['event', 'purchase']
const currencies = new Set(Intl.supportedValuesOf('currency'))

const propertiesOf = ({ properties }: Fields): Fields => (isFields(properties) ? properties : {})

function isBadName(name: string): boolean {
  return name === '' || name.startsWith('$') || isLongerThan(name, MAX_CHARACTERS)
}

function inProperties(mend: Mend): Mend {
  return object => ({ ...object, properties: mend(propertiesOf(object)) })
}

function dropping(isBad: (name: string, value: unknown) => boolean): Mend {
  return inProperties(properties => without(properties, isBad))
}

function reservedRule(kind: 'event' | 'purchase', source: BrazeRule['source']): BrazeRule {
  const reserved = RESERVED[kind]
  return {
    id: `${kind}-property-reserved`,
    appliesTo: [kind],
    source,
    otherwise: 'refused',
    problem: object => {
      const properties = propertiesOf(object)
      const name = reserved.find(candidate => Object.hasOwn(properties, candidate))
      return name === undefined ? undefined : `the property name ${name} is reserved`
    },
    mends: { 'drop-field': dropping(name => reserved.includes(name)) },
  }
}

function sizeProblem(properties: Fields, maxBytes: number): string | undefined {
  const bytes = jsonBytes(properties)
  return bytes > maxBytes ? `properties has ${bytes} bytes; at most ${maxBytes} are allowed` : undefined
}

const eventRules: readonly BrazeRule[] = [
  {
    id: 'event-name',
    appliesTo: ['event'],
    source: sources.loggingEvents,
    otherwise: 'refused',
    problem: ({ name }) =>
      typeof name === 'string' && !isBadName(name)
        ? undefined
        : `name must be a text of 1 to ${MAX_CHARACTERS} characters that does not begin with $`,
  },
  reservedRule('event', sources.eventObject),
  {
    id: 'event-properties-size',
    appliesTo: ['event'],
    source: sources.eventObject,
    otherwise: 'limit',
    problem: (object, bytes) => {
      // No part is larger than the whole.
      if (bytes <= MAX_EVENT_PROPERTIES_BYTES) return undefined
      const properties = propertiesOf(object)
      // The page limits properties that hold arrays or objects, and says nothing of flat ones.
      const isNested = Object.values(properties).some(value => typeof value === 'object' && value !== null)
      return isNested ? sizeProblem(properties, MAX_EVENT_PROPERTIES_BYTES) : undefined
    },
  },
]

const purchaseRules: readonly BrazeRule[] = [
  {
    id: 'product-id',
    appliesTo: ['purchase'],
    source: sources.purchaseObject,
    otherwise: 'refused',
    problem: ({ product_id: id }) =>
      typeof id === 'string' && id !== '' && !isLongText(id)
        ? undefined
        : `product_id must be a text of 1 to ${MAX_CHARACTERS} characters`,
  },
  {
    id: 'currency',
    appliesTo: ['purchase'],
    source: sources.purchaseObject,
    otherwise: 'refused',
    problem: ({ currency }) =>
      currencies.has(currency as string) ? undefined : 'currency must be a code of ISO 4217',
  },
  {
    id: 'price',
    appliesTo: ['purchase'],
    source: sources.purchaseObject,
    otherwise: 'refused',
    problem: ({ price }) => (typeof price === 'number' ? undefined : 'price must be a number'),
  },
  {
    id: 'quantity',
    appliesTo: ['purchase'],
    source: sources.purchaseObject,
    otherwise: 'refused',
    problem: ({ quantity }) => {
      if (quantity === undefined || quantity === null) return undefined
      const isAllowed =
        Number.isInteger(quantity) && Number(quantity) >= 1 && Number(quantity) <= MAX_QUANTITY
      return isAllowed ? undefined : `quantity must be a whole number from 1 to ${MAX_QUANTITY}`
    },
  },
  reservedRule('purchase', sources.purchaseEvents),
  {
    id: 'purchase-properties-size',
    appliesTo: ['purchase'],
    source: sources.dataTypes,
    otherwise: 'limit',
    problem: (object, bytes) =>
      bytes > MAX_PURCHASE_PROPERTIES_BYTES
        ? sizeProblem(propertiesOf(object), MAX_PURCHASE_PROPERTIES_BYTES)
        : undefined,
  },
]

const sharedRules: readonly BrazeRule[] = [
  {
    id: 'time',
    appliesTo: BOTH,
    source: sources.eventObject,
    otherwise: 'refused',
    problem: ({ time }) => {
      if (!isGiven(time)) return 'time is missing'
      return typeof time === 'string' && isBrazeTime(time)
        ? undefined
        : 'time is not in the format of ISO 8601'
    },
  },
  {
    id: 'properties-object',
    appliesTo: BOTH,
    source: sources.eventObject,
    otherwise: 'limit',
    problem: ({ properties }) =>
      properties === undefined || properties === null || isFields(properties)
        ? undefined
        : 'properties must be an object',
    mends: { 'drop-field': object => without(object, name => name === 'properties') },
  },
  {
    id: 'property-name',
    appliesTo: BOTH,
    source: sources.eventObject,
    otherwise: 'limit',
    problem: object =>
      Object.keys(propertiesOf(object)).some(isBadName)
        ? `a property's name must have 1 to ${MAX_CHARACTERS} characters and not begin with $`
        : undefined,
    mends: { 'drop-field': dropping(isBadName) },
  },
  {
    id: 'property-count',
    appliesTo: BOTH,
    source: sources.eventProperties,
    otherwise: 'dropped',
    problem: object => {
      const count = Object.keys(propertiesOf(object)).length
      return count > MAX_PROPERTIES
        ? `it has ${count} properties; Braze keeps the first ${MAX_PROPERTIES}`
        : undefined
    },
    mends: {
      truncate: inProperties(properties =>
        Object.fromEntries(Object.entries(properties).slice(0, MAX_PROPERTIES)),
      ),
    },
  },
  {
    id: 'property-text-length',
    appliesTo: BOTH,
    source: sources.eventObject,
    otherwise: 'limit',
    problem: object => {
      const path = findValue(propertiesOf(object), 'properties', isLongText)
      return path === undefined ? undefined : `${path} has more than ${MAX_CHARACTERS} characters`
    },
    mends: {
      truncate: inProperties(properties => shortened(properties) as Fields),
      'drop-field': dropping((name, value) => findValue(value, name, isLongText) !== undefined),
    },
  },
]

export const eventAndPurchaseRules: readonly BrazeRule[] = [...sharedRules, ...eventRules, ...purchaseRules]
