/** What the samples of README and docs leave to their readers. */
declare function myAgent(member: string, task: import('crewlog').Task): Promise<unknown>
