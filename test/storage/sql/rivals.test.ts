import { sharesWork } from '../../support/rivals/shares-work.js'

for (const engine of ['libsql', 'postgres', 'mariadb']) await sharesWork(engine)
