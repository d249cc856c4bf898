// A chat server that has nothing in common with the reference backend: JavaScript, frames told apart by `kind`, close codes of its
// own, and no startup report, only lines in its log. Rooms span replicas: what is said goes through Redis.
'use strict'
const crypto = require('crypto')
const http = require('http')
const { createClient } = require('redis')
const { WebSocketServer } = require('ws')

const { PORT, REDIS_URL, TOKEN_KEY, TOKEN_ISSUER, TOKEN_AUDIENCE, STARTUP_DEADLINE_S } = process.env
const rooms = new Map() // room -> its sockets on this replica
let state = 'starting' // then 'ready', or the refusal of a failed startup

const redis = createClient({ url: REDIS_URL, socket: { reconnectStrategy: (tries) => Math.min(tries * 50, 500) } })
const ears = redis.duplicate()
let lastError = 'no answer'
for (const client of [redis, ears]) client.on('error', (error) => { lastError = error.code || error.message })

const digest = (text) => crypto.createHmac('sha256', TOKEN_KEY).update(text).digest()

function userOf(header) {
  const [, token] = /^Bearer (\S+)$/.exec(header || '') || []
  if (!token) return { refusal: 'token_missing' }
  const [head, body, signature] = token.split('.')
  let claims, algorithm
  try {
    algorithm = JSON.parse(Buffer.from(head, 'base64url')).alg
    claims = JSON.parse(Buffer.from(body, 'base64url'))
  } catch { return { refusal: 'token_malformed' } }
  const given = Buffer.from(signature || '', 'base64url'), right = digest(`${head}.${body}`)
  const signed = algorithm === 'HS256' && given.length === right.length && crypto.timingSafeEqual(given, right)
  if (!signed) return { refusal: 'token_signature' }
  if (claims.iss !== TOKEN_ISSUER || claims.aud !== TOKEN_AUDIENCE) return { refusal: 'token_not_for_us' }
  if (claims.exp * 1000 <= Date.now()) return { refusal: 'token_expired' }
  return { user: claims.sub }
}

async function handle(socket, user, text) {
  const send = (frame) => socket.send(JSON.stringify(frame))
  let frame
  try { frame = JSON.parse(text) } catch { return send({ kind: 'problem', reason: 'not_json' }) }
  if (frame.kind === 'join') {
    if (!rooms.has(frame.room)) rooms.set(frame.room, new Set())
    rooms.get(frame.room).add(socket)
    return send({ kind: 'joined', room: frame.room })
  }
  if (frame.kind === 'say') {
    const said = JSON.stringify({ kind: 'said', room: frame.room, from: user, text: frame.text })
    await redis.rPush(`lines:${frame.room}`, said)
    return redis.publish('said', said)
  }
  if (frame.kind === 'recall') {
    const lines = (await redis.lRange(`lines:${frame.room}`, 0, -1)).map((line) => JSON.parse(line).text)
    return send({ kind: 'recalled', room: frame.room, lines })
  }
  return send({ kind: 'problem', reason: 'unknown_kind' })
}

const server = http.createServer((request, response) => {
  const ready = request.url === '/healthz' || (request.url === '/readyz' && state === 'ready')
  response.writeHead(ready ? 200 : 503).end(`${state}\n`)
})
const sockets = new WebSocketServer({ server, path: '/chat', maxPayload: 65536 })

sockets.on('connection', (socket, request) => {
  const { user, refusal } = userOf(request.headers.authorization)
  const refuse = (code, reason) => {
    socket.send(JSON.stringify({ kind: 'problem', reason }))
    socket.close(code, reason)
  }
  if (state !== 'ready') return refuse(1013, state)
  if (refusal) return refuse(4401, refusal)
  let turn = Promise.resolve() // one frame after the other, in the order in which they came
  socket.on('message', (data) => {
    turn = turn.then(() => handle(socket, user, data.toString())).catch((error) => {
      console.error(`frame failed: ${error.message}`)
      socket.close(1011, 'frame_failed')
    })
  })
  socket.on('close', () => { for (const members of rooms.values()) members.delete(socket) })
  socket.send(JSON.stringify({ kind: 'welcome', user }))
})

process.on('SIGTERM', () => {
  for (const socket of sockets.clients) socket.close(1001, 'going_away')
  server.close(() => process.exit(0))
})

async function start() {
  await redis.connect()
  await ears.connect()
  await ears.subscribe('said', (line) => {
    for (const socket of rooms.get(JSON.parse(line).room) || []) socket.send(line)
  })
  if (state !== 'starting') return
  state = 'ready'
  console.log('ready: the tea is poured')
}

server.listen(Number(PORT), '0.0.0.0') // every interface of the container
setTimeout(() => {
  if (state !== 'starting') return
  state = 'startup_failed:redis'
  console.error(`startup failed: redis: ${lastError}`)
}, Number(STARTUP_DEADLINE_S) * 1000)
start()
