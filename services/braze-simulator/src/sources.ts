/**
 * Where the facts are from. The public names of the pages; the texts behind the figures were read in copies of
 * August and September 2026.
 */
export const sources = {
  track: 'https://www.braze.com/docs/api/endpoints/user_data/post_user_track',
  errors: 'https://www.braze.com/docs/api/errors',
  limits: 'https://www.braze.com/docs/api/api_limits',
  userData: 'https://www.braze.com/docs/api/endpoints/user_data',
  userDelete: 'https://www.braze.com/docs/api/endpoints/user_data/post_user_delete',
  raceConditions: 'https://www.braze.com/docs/user_guide/messaging/ab_testing/concepts/race_conditions',
  attributesObject: 'https://www.braze.com/docs/api/objects_filters/user_attributes_object',
  eventObject: 'https://www.braze.com/docs/api/objects_filters/event_object',
  purchaseObject: 'https://www.braze.com/docs/api/objects_filters/purchase_object',
  aliasObject: 'https://www.braze.com/docs/api/objects_filters/user_alias_object',
  dataTypes: 'https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types',
  nestedAttributes:
    'https://www.braze.com/docs/user_guide/data/activation/attributes/nested_custom_attribute_support',
  arrayOfObjects: 'https://www.braze.com/docs/user_guide/data/activation/attributes/array_of_objects',
  customAttributes: 'https://www.braze.com/docs/user_guide/data/activation/attributes/custom_attributes',
  eventProperties:
    'https://www.braze.com/docs/user_guide/data/activation/events/custom_events/custom_event_properties',
  nestedEvents: 'https://www.braze.com/docs/user_guide/data/activation/events/custom_events/nested_objects',
  purchaseEvents: 'https://www.braze.com/docs/user_guide/data/activation/events/purchase_events',
  loggingEvents: 'https://www.braze.com/docs/developer_guide/analytics/logging_events',
  /** Answers that an open-source client of Braze keeps as fixtures; Braze's pages do not show the shape. */
  observed:
    'https://github.com/rudderlabs/rudder-transformer/tree/develop/test/integrations/destinations/braze',
} as const

export type Source = (typeof sources)[keyof typeof sources]
