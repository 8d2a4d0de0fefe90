import type { Activity, Customer } from '@tributary/marketing-events'
import { Random } from './random.ts'

const OPT_IN_SHARE = 0.8

const FIRST_NAMES =
  'Ada Amélie Anna Aylin Björn Chloé Daan Elena Emil Fatima Giulia Hugo Inès Jakub José Lars Léa Luca Maja Marta Noor Olga Pablo Sofía Søren Theo Zoë'.split(
    ' ',
  )

const HOMES = [
  { language: 'de', country: 'DE' },
  { language: 'de', country: 'AT' },
  { language: 'en', country: 'GB' },
  { language: 'en', country: 'US' },
  { language: 'es', country: 'ES' },
  { language: 'fr', country: 'FR' },
  { language: 'it', country: 'IT' },
  { language: 'nl', country: 'NL' },
  { language: 'pl', country: 'PL' },
] as const

const CITIES = [
  { city: 'Amsterdam', country: 'NL', latitude: 52.3676, longitude: 4.9041 },
  { city: 'Barcelona', country: 'ES', latitude: 41.3874, longitude: 2.1686 },
  { city: 'Berlin', country: 'DE', latitude: 52.52, longitude: 13.405 },
  { city: 'Kraków', country: 'PL', latitude: 50.0647, longitude: 19.945 },
  { city: 'Lisboa', country: 'PT', latitude: 38.7223, longitude: -9.1393 },
  { city: 'London', country: 'GB', latitude: 51.5072, longitude: -0.1276 },
  { city: 'Paris', country: 'FR', latitude: 48.8566, longitude: 2.3522 },
  { city: 'Roma', country: 'IT', latitude: 41.9028, longitude: 12.4964 },
  { city: 'Wien', country: 'AT', latitude: 48.2082, longitude: 16.3738 },
] as const

const OFFERS = [
  { category: 'boat', title: 'canal cruise at dusk' },
  { category: 'boat', title: 'an hour in a rowing boat' },
  { category: 'food', title: 'street food walk' },
  { category: 'food', title: 'cooking with a grandmother' },
  { category: 'museum', title: 'museum ticket, skip the line' },
  { category: 'museum', title: 'the collection with a curator' },
  { category: 'nature', title: 'day hike with lunch' },
  { category: 'tour', title: 'old town by bicycle' },
  { category: 'tour', title: 'ghosts & legends by night' },
  { category: 'workshop', title: 'pottery for beginners' },
] as const

/** Degrees, about four kilometres. */
const AROUND_THE_CITY = 0.04

export function generateCustomers(seed: number, count: number): readonly Customer[] {
  const random = new Random(seed, 'customers')
  return Array.from({ length: count }, (_, index) => {
    const customerId = numbered('customer', index + 1, 4)
    return {
      customerId,
      firstName: random.pick(FIRST_NAMES),
      email: `${customerId}@example.com`,
      ...random.pick(HOMES),
      marketingOptIn: random.chance(OPT_IN_SHARE),
    }
  })
}

export function generateActivities(seed: number, count: number): readonly Activity[] {
  const random = new Random(seed, 'activities')
  return Array.from({ length: count }, (_, index) => {
    const { city, country, latitude, longitude } = random.pick(CITIES)
    const { category, title } = random.pick(OFFERS)
    return {
      activityId: numbered('activity', index + 1, 3),
      title: `${city}: ${title}`,
      city,
      country,
      latitude: coordinate(random, latitude),
      longitude: coordinate(random, longitude),
      category,
    }
  })
}

function coordinate(random: Random, center: number): number {
  const away = (random.next() * 2 - 1) * AROUND_THE_CITY
  return Math.round((center + away) * 1e5) / 1e5
}

/** `customer-0042`: ids of one kind sort by their number. */
export function numbered(kind: string, number: number, digits: number): string {
  return `${kind}-${String(number).padStart(digits, '0')}`
}
