// One crew has another do a task, once, whatever happens: prints `shop has it: axle no. 7, by ben of the plant`.
import { MemoryStorage, openCrew } from 'crewlog'
import { crash, manualEnvironment } from 'crewlog/testing'

const environment = manualEnvironment()
const plant = await openCrew({ name: 'plant', environment })
const ben = await plant.join('ben')
await plant.join('liaison', { kind: 'service', available: false }) // hands work in, and does none

const storage = new MemoryStorage()
const shop = await openCrew({ name: 'shop', storage, environment })
await shop.tracker.create({ id: 'axle', description: 'Turn an axle' })
const liaison = await shop.join('liaison', { kind: 'service', capacity: 50 })
liaison.work((attempt) => liaison.forward(attempt, plant))
await environment.advance('1s')

// Whoever waits for it dies. The work goes on, and the next finds it: nothing is made twice.
const work = await ben.claim()
await crash(shop)
await work?.complete({ result: 'axle no. 7, by ben of the plant' })

const again = await openCrew({ name: 'shop', storage, environment })
const other = again.as('liaison')
other.work((attempt) => other.forward(attempt, plant))
await environment.advance('1h')

console.log(
  'plant:',
  plant.tracker
    .list()
    .map(({ id, status }) => `${id} is ${status}`)
    .join(),
)
console.log('shop has it:', again.tracker.get('axle')?.result)
await again.close()
await plant.close()
