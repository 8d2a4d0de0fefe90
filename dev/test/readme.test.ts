import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

const readme = readFileSync('README.md', 'utf8')

for (const file of ['src/topology.ts', 'test/topology.test.ts', 'src/main.ts']) {
  test(`the README shows ${file} of the first example as it is`, () => {
    const code = readFileSync(`examples/01-first-topology/${file}`, 'utf8').trimEnd()
    assert.ok(readme.includes(`\`\`\`ts\n${code}\n\`\`\``), `README.md has another text than ${file}`)
  })
}

test("the README's links lead to files", () => {
  const targets = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, target]) => target as string)
  assert.ok(targets.length > 0)
  assert.deepEqual(
    targets.filter(target => !existsSync(target)),
    [],
  )
})
