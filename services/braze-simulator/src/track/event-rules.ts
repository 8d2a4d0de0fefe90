import { sources } from '../sources.ts'
import { holdsLongText, MAX_CHARACTERS } from './rule.ts'
import type { Rule, RuleContext } from './rule.ts'
import { parseTime } from './time.ts'
import { isLongerThan, isObject, jsonBytes } from './wire.ts'
import type { TrackObject } from './wire.ts'

// The pages say "100 KB" and "50 KB". The smaller reading is taken: what passes here passes under either.
const MAX_EVENT_PROPERTIES_BYTES = 100_000
const MAX_PURCHASE_PROPERTIES_BYTES = 50_000
const MAX_QUANTITY = 100
const RESERVED_IN_EVENTS = ['time', 'event_name']
const RESERVED_IN_PURCHASES = ['time', 'product_id', 'quantity', 'event_name', 'price', 'currency']
const currencies = new Set(Intl.supportedValuesOf('currency'))

const propertiesOf = (object: TrackObject): TrackObject => (object['properties'] ?? {}) as TrackObject

const isAbsent = (value: unknown): boolean => value === undefined || value === null

const isBadName = (name: string): boolean =>
  name === '' || name.startsWith('$') || isLongerThan(name, MAX_CHARACTERS)

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null

function isOver(limit: number, properties: TrackObject, { bodyBytes }: RuleContext): boolean {
  return bodyBytes > limit && jsonBytes(properties) > limit
}

const timeRules: readonly Rule[] = [
  {
    id: 'time-required',
    appliesTo: ['events', 'purchases'],
    isBrokenBy: object => isAbsent(object['time']),
    message: "'time' is required",
    source: sources.eventObject,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'time-format',
    appliesTo: ['events', 'purchases'],
    isBrokenBy: ({ time }) => typeof time !== 'string' || parseTime(time) === undefined,
    message: "'time' is not valid",
    source: sources.eventObject,
    basis: 'limit',
    wording: 'own',
  },
]

const propertyRules: readonly Rule[] = [
  {
    id: 'properties-object',
    appliesTo: ['events', 'purchases'],
    isBrokenBy: ({ properties }) => !isAbsent(properties) && !isObject(properties),
    message: "Invalid 'properties' field",
    source: sources.eventObject,
    basis: 'limit',
    wording: 'documented',
  },
  {
    id: 'property-name',
    appliesTo: ['events', 'purchases'],
    isBrokenBy: object => Object.keys(propertiesOf(object)).some(isBadName),
    message: "Invalid 'properties' field",
    source: sources.eventObject,
    basis: 'limit',
    wording: 'documented',
  },
  {
    id: 'event-property-reserved',
    appliesTo: ['events'],
    isBrokenBy: object => RESERVED_IN_EVENTS.some(key => Object.hasOwn(propertiesOf(object), key)),
    message: "Invalid 'properties' field",
    source: sources.eventProperties,
    basis: 'refusal',
    wording: 'documented',
  },
  {
    id: 'purchase-property-reserved',
    appliesTo: ['purchases'],
    isBrokenBy: object => RESERVED_IN_PURCHASES.some(key => Object.hasOwn(propertiesOf(object), key)),
    message: "Invalid 'properties' field",
    source: sources.purchaseEvents,
    basis: 'refusal',
    wording: 'documented',
  },
  {
    id: 'property-text-length',
    appliesTo: ['events', 'purchases'],
    isBrokenBy: object => holdsLongText(object['properties']),
    message: 'String property values must be 255 characters or fewer',
    source: sources.eventObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'event-properties-size',
    appliesTo: ['events'],
    // The page speaks of properties that hold arrays or objects, and of no limit for flat ones.
    isBrokenBy: (object, context) => {
      const properties = propertiesOf(object)
      return (
        Object.values(properties).some(isNested) && isOver(MAX_EVENT_PROPERTIES_BYTES, properties, context)
      )
    },
    message: "The 'properties' field exceeds 100 KB",
    source: sources.nestedEvents,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'purchase-properties-size',
    appliesTo: ['purchases'],
    isBrokenBy: (object, context) => isOver(MAX_PURCHASE_PROPERTIES_BYTES, propertiesOf(object), context),
    message: "The 'properties' field exceeds 50 KB",
    source: sources.dataTypes,
    basis: 'limit',
    wording: 'own',
  },
]

export const eventRules: readonly Rule[] = [
  {
    id: 'event-name-required',
    appliesTo: ['events'],
    isBrokenBy: ({ name }) => isAbsent(name) || name === '',
    message: "'name' is required",
    source: sources.eventObject,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'event-name',
    appliesTo: ['events'],
    isBrokenBy: ({ name }) => typeof name !== 'string' || isBadName(name),
    message: "'name' is not valid",
    source: sources.loggingEvents,
    basis: 'limit',
    wording: 'own',
  },
]

export const purchaseRules: readonly Rule[] = [
  {
    id: 'product-id-required',
    appliesTo: ['purchases'],
    isBrokenBy: object => isAbsent(object['product_id']) || object['product_id'] === '',
    message: "'product_id' is required",
    source: sources.purchaseObject,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'product-id',
    appliesTo: ['purchases'],
    isBrokenBy: ({ product_id: id }) => typeof id !== 'string' || isLongerThan(id, MAX_CHARACTERS),
    message: "'product_id' is not valid",
    source: sources.purchaseObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'currency-required',
    appliesTo: ['purchases'],
    isBrokenBy: ({ currency }) => isAbsent(currency) || currency === '',
    message: "'currency' is required",
    source: sources.purchaseObject,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'currency',
    appliesTo: ['purchases'],
    isBrokenBy: ({ currency }) => !currencies.has(currency as string),
    message: "'currency' is not valid",
    source: sources.purchaseObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'price-required',
    appliesTo: ['purchases'],
    isBrokenBy: ({ price }) => isAbsent(price),
    message: "'price' is required",
    source: sources.purchaseObject,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'price',
    appliesTo: ['purchases'],
    // Below zero is fine: Braze asks for refunds to be sent so.
    isBrokenBy: ({ price }) => typeof price !== 'number',
    message: "'price' is not valid",
    source: sources.purchaseObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'quantity',
    appliesTo: ['purchases'],
    isBrokenBy: ({ quantity }) => {
      if (isAbsent(quantity)) return false
      return !Number.isInteger(quantity) || Number(quantity) < 1 || Number(quantity) > MAX_QUANTITY
    },
    message: "'quantity' is not valid",
    source: sources.purchaseObject,
    basis: 'refusal',
    wording: 'observed',
  },
]

export const sharedEventRules: readonly Rule[] = [...timeRules, ...propertyRules]
