import { createServer } from 'node:http'
import { placesLeft } from '../job/places.ts'

// The API that the variant `enriched` asks: `GET /activities/<id>/places` answers after 2 ms how many places are left. Its only
// argument is the port.

const ANSWER_AFTER_MS = 2

const server = createServer((request, response) => {
  const arrivedAt = performance.now()
  const activityId = request.url!.split('/')[2]!
  const body = JSON.stringify({ activityId, placesLeft: placesLeft(activityId) })
  const answer = (): void => {
    // Timers fire up to a millisecond early.
    if (performance.now() - arrivedAt < ANSWER_AFTER_MS) setImmediate(answer)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }
  setTimeout(answer, ANSWER_AFTER_MS)
})
// Connections of contestants that pause stay usable.
server.keepAliveTimeout = 60_000
process.once('SIGTERM', () => process.exit())
server.listen(Number(process.argv[2]), '127.0.0.1')
