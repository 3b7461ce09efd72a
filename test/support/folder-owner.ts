// A process that claims the data folder it is given, says so, and lives until it is killed.
import { claimDataFolder } from '../../infra/embedded/data-folder.ts'

if (import.meta.main) {
  await claimDataFolder(process.argv[2] as string)
  process.stdout.write('claimed\n')
  setInterval(() => {}, 1000)
}
