/** The oldest broker that is supported; its tests are `npm run test:kafka-3.9`. */
export const OLDEST_KAFKA = '3.9.2'
