// Node's own WebSocket converses with the gateway, as a web page would.
// Usage: node --experimental-websocket client.mjs ws://…   (the flag is a no-op from node 22 on)

import assert from 'node:assert/strict'

const DEADLINE_MS = 30_000

// One connection: calls by id, and events in the order they came.
class Talk {
  #socket
  #next = 1
  #calls = new Map()
  #events = []
  #wake = null

  static open(url) {
    return new Promise((resolve, reject) => {
      const talk = new Talk()
      talk.#socket = new WebSocket(url)
      talk.#socket.onmessage = ({ data }) => talk.#take(JSON.parse(data))
      talk.#socket.onerror = () => reject(new Error('connection failed'))
      talk.#socket.onopen = () => resolve(talk)
    })
  }

  #take(message) {
    if (message.method !== 'event') {
      this.#calls.get(message.id)?.(message)
      this.#calls.delete(message.id)
      return
    }
    this.#events.push(message.params)
    this.#wake?.()
  }

  call(method, params = {}) {
    const id = `n${this.#next++}`
    return new Promise((resolve, reject) => {
      this.#calls.set(id, (reply) => (reply.error ? reject(new Error(`${method}: ${reply.error.message}`)) : resolve(reply.result)))
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    })
  }

  // Every event up to and including the first of this type.
  async until(type) {
    const seen = []
    for (;;) {
      while (this.#events.length) {
        const event = this.#events.shift()
        assert.notEqual(event.type, 'error', JSON.stringify(event))
        seen.push(event)
        if (event.type === type) return seen
      }
      await new Promise((resolve) => (this.#wake = resolve))
    }
  }

  close() {
    return new Promise((resolve) => {
      this.#socket.onclose = ({ code }) => resolve(code)
      this.#socket.close(1000, 'bye')
    })
  }
}

const joined = (events) => events.filter((e) => e.type === 'message.delta').map((e) => e.payload.text).join('')

async function main(url) {
  const talk = await Talk.open(url)
  const [ready] = await talk.until('gateway.ready')
  assert.ok(ready.payload.skin.branding.agent_name)

  const { session_id } = await talk.call('session.create', { cols: 80 })
  assert.equal((await talk.call('prompt.submit', { session_id, text: 'SAY:über 👍 done' })).status, 'streaming')
  const said = await talk.until('message.complete')
  assert.equal(said.at(-1).payload.text.trim(), 'über 👍 done')
  assert.equal(joined(said).trim(), 'über 👍 done')
  await talk.until('session.info')

  await talk.call('prompt.submit', { session_id, text: 'TOKENS=5000 RATE=50' })
  await talk.until('message.delta')
  await talk.call('session.interrupt', { session_id })
  assert.equal((await talk.until('message.complete')).at(-1).payload.status, 'interrupted')

  await assert.rejects(talk.call('no.such.method'), /unknown method: no\.such\.method/)
  // Judged by whoever started this: the original's server ends without a close frame towards node (1006).
  console.log(`close ${await talk.close()}`)
}

setTimeout(() => {
  console.error('not finished in time')
  process.exit(1)
}, DEADLINE_MS).unref()
await main(process.argv[2])
