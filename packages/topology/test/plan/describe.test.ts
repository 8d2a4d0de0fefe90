import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { oneStream, showcase, textStream } from './plans.ts'

/** Replace a golden by what the code says with `UPDATE_GOLDENS=1`, and read the difference before it is committed. */
async function golden(name: string, actual: string): Promise<void> {
  const file = new URL(`goldens/${name}`, import.meta.url)
  if (process.env['UPDATE_GOLDENS'] === '1') await writeFile(file, actual)
  const expected = await readFile(file, 'utf8')
  if (name.endsWith('.json')) assert.deepEqual(JSON.parse(actual), JSON.parse(expected))
  else assert.equal(actual, expected)
}

test('the text has the format of Kafka Streams', async () => {
  await golden('showcase.txt', showcase().describe())
})

test('the chart is Mermaid', async () => {
  await golden('showcase.mmd', showcase().toMermaid())
})

test('the JSON names all that is data', async () => {
  await golden('showcase.json', `${JSON.stringify(showcase(), null, 2)}\n`)
})

test('an unrelated stream that is added changes no name', () => {
  const names = (withAnother: boolean): readonly string[] => {
    const { builder, bookings } = oneStream()
    if (withAnother)
      builder
        .stream(textStream('another'))
        .filter(() => true)
        .to(textStream('elsewhere'))
    bookings
      .filter(() => true)
      .mapValues(value => value)
      .to(textStream('out'))
    return builder
      .build()
      .toJSON()
      .subTopologies.flatMap(part => part.steps.map(step => step.name))
      .filter(name => name.startsWith('bookings'))
  }
  assert.deepEqual(names(true), ['bookings.filter-1', 'bookings.mapValues-1', 'bookings.to-1'])
  assert.deepEqual(names(true), names(false))
})
