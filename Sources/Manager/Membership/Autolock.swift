internal import HTTP
internal import Model

/// Whether managers lock themselves, and by which key: a part of the cluster's secrets that follows from its specification.
enum Autolock {
    /// Makes a key where one is wanted, or another one; drops it where none is.
    ///
    /// - Throws: `HTTPError` 400 where another one is wanted in the place of none.
    static func apply(_ spec: ClusterSpec, isRotating: Bool, to secrets: inout ClusterSecrets) throws {
        guard spec.encryptionConfig?.autoLockManagers == true else {
            guard !isRotating else {
                throw HTTPError(.badRequest, "the unlock key cannot be rotated: autolock is not turned on")
            }
            secrets.unlockKey = nil
            return
        }
        if isRotating || secrets.unlockKey == nil { secrets.unlockKey = UnlockKey.random().text }
    }
}
