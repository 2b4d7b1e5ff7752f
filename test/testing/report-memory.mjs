// Loaded into a process under test: writes the most memory it ever had, in bytes, into the file named by REPORT_MEMORY_TO.
import { writeFileSync } from 'node:fs'

process.on('exit', () => {
  writeFileSync(process.env.REPORT_MEMORY_TO, String(process.resourceUsage().maxRSS * 1024))
})
