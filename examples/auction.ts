// A task goes to the lowest bid (Contract Net: announce, bid, award), by ordinary messages: prints `done by cy`.
import { openCrew } from 'crewlog'

const crew = await openCrew()
const boss = await crew.join('boss')
const prices = { ana: 30, bo: 20, cy: 10, dee: 40 }

for (const [id, price] of Object.entries(prices)) {
  const bidder = await crew.join(id)
  bidder.listen(async (message) => {
    if (message.kind === 'announcement') {
      // Whoever has too much to do does not bid.
      if (price < 40) await bidder.reply(message, price)
    } else if (message.kind === 'task.offer') {
      const attempt = await bidder.accept(message) // the claim
      await attempt.complete({ result: `done by ${id}`, usage: { cost: price } })
    }
  })
}

const { id, description } = await crew.tracker.create({ description: 'Paint the fence' })
const call = await boss.broadcast(`What do you ask to: ${description}?`, { kind: 'announcement', taskId: id })

await crew.idle() // In life: until a deadline.
const bids = crew.communications.messages({ recipient: 'boss' }).filter(({ replyTo }) => replyTo === call.id)
const [best] = bids.sort((a, b) => Number(a.content) - Number(b.content))
console.log('bids:', bids.map(({ sender, content }) => `${sender} ${Number(content)}`).join(', '))

await boss.offer(id, best?.sender ?? '', { note: 'Yours', expiresAt: Date.now() + 60_000 })
const { result } = await crew.tracker.whenEnded(id)
console.log(result)
await crew.close()
