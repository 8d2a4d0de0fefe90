import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  environmentPage,
  ERROR_SOURCES,
  errorCodesOf,
  packageErrorsPage,
  SERVICES,
  variables,
} from '../reference/pages.ts'
import { repositoryRoot } from '../stack/repository.ts'

const read = (file: string): string => readFileSync(`${repositoryRoot}/${file}`, 'utf8')

test('the pages of the reference that are made of others are as those are', () => {
  for (const { file, text } of [environmentPage(), packageErrorsPage()])
    assert.equal(read(file), text, `${file}: npm run reference writes it`)
})

test('every variable that a service reads is in its README, and so in the reference', () => {
  for (const service of SERVICES) {
    const sources = globSync(`services/${service}/src/{config,options}.ts`, { cwd: repositoryRoot })
    const named = sources.flatMap(file => [
      ...read(file).matchAll(/'([A-Z]+(?:_[A-Z]+)+)'|^ {2}([A-Z]+(?:_[A-Z]+)+): /gm),
    ])
    const codes = new Set(ERROR_SOURCES.flatMap(source => errorCodesOf(source).map(({ code }) => code)))
    const asked = named
      .map(([, quoted, key]) => quoted ?? key!)
      .filter(name => !codes.has(name) && !name.endsWith('_INVALID'))
    const listed = new Set(
      variables()
        .filter(each => each.service === service)
        .map(({ name }) => name),
    )
    assert.ok(listed.size > 3, service)
    assert.deepEqual(
      [...new Set(asked)].filter(name => !listed.has(name)),
      [],
      service,
    )
  }
})

test('every error code of a package is explained where it is declared', () => {
  for (const source of ERROR_SOURCES) {
    const declared = [...read(source.file).matchAll(/^ {2}(?:\| '([A-Z_]+)'|([A-Z_]+): \d+)/gm)]
    const codes = [...new Set(declared.map(([, inUnion, inTable]) => inUnion ?? inTable!))]
    assert.ok(codes.length > 4, source.file)
    assert.deepEqual(
      errorCodesOf(source)
        .map(({ code }) => code)
        .toSorted(),
      codes.toSorted(),
    )
  }
})

test('docs/reference/http.md has every path of a service, and no other', () => {
  const source = read('packages/service/src/server.ts')
  const paths = [...source.matchAll(/server\.get\('(\/[^']+)'/g)].map(([, path]) => path!)
  const listed = [...read('docs/reference/http.md').matchAll(/^## `GET (\/\S+)`/gm)].map(([, path]) => path!)
  assert.deepEqual(listed.filter(path => !path.startsWith('/v3/')).toSorted(), paths.toSorted())
})
