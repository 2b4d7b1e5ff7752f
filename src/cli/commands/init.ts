import { createRepository, openLocalBackend } from '../../repository/index.ts'
import { type Context, printResult } from '../context.ts'
import { passwordFor, type RepositoryOptions, repositoryFolder } from '../repositories.ts'

/** `phonekeep init`: makes an empty repository. */
export async function init(options: RepositoryOptions & { json?: boolean }, context: Context): Promise<void> {
  const { clock, signal } = context
  const folder = await repositoryFolder(options, context)
  const password = await passwordFor(options, context, true)
  const repository = await createRepository(openLocalBackend(folder), { password, clock, signal })
  printResult(context, {
    json: options.json,
    result: { message_type: 'initialized', id: repository.id, repository: folder },
    lines: () => [
      `Made the repository ${repository.id.slice(0, 10)} in ${folder}.`,
      'Keep its password safe: without it nobody can read the backups, and nobody can reset it.',
    ],
  })
}
