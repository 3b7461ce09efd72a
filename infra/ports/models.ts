// Models in files, as stations see them; the layout over the files port is infra/archive/.
import type { Manifest, Model } from '#schemas/model'

export interface Models {
  /** Writes artefacts, then the manifest (which makes them count); returns the manifest with sizes and hashes filled in. */
  write(manifest: Omit<Manifest, 'artefacts' | 'format'>, model: Model): Promise<Manifest>
  /** @throws MillraceError VERSION_NOT_FOUND, MODEL_CORRUPT */
  read(
    engineId: string,
    versionId: string,
  ): Promise<{ readonly manifest: Manifest; readonly model: Model }>
  /** Manifests of an engine's models, newest first. */
  list(engineId: string): Promise<readonly Manifest[]>
  remove(engineId: string, versionId: string): Promise<void>
}
