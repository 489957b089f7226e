package import Platform

/// The folder that a member keeps its files in. The real one is `DirectoryDisk`; the simulator's loses, tears and flips.
package protocol Disk: AnyObject {
    /// Names of all files, sorted.
    func list() throws(SystemError) -> [String]
    func open(_ name: String, creating: Bool) throws(SystemError) -> any DiskFile
    func remove(_ name: String) throws(SystemError)
    /// Replaces what is there. Durable, like `open(creating:)` and `remove`, after `syncDirectory`.
    func rename(_ name: String, to target: String) throws(SystemError)
    func syncDirectory() throws(SystemError)
}

/// One open file of a `Disk`.
package protocol DiskFile: AnyObject {
    func size() throws(SystemError) -> Int
    /// `count` bytes, or fewer at the end of the file.
    func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8]
    func write(_ bytes: [UInt8], at offset: Int) throws(SystemError)
    /// Makes the file at least `size` bytes long, with blocks of its own, new bytes zero.
    func allocate(_ size: Int) throws(SystemError)
    func truncate(to size: Int) throws(SystemError)
    /// Makes content and size durable.
    func sync() throws(SystemError)
}
