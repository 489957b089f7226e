internal import Platform

extension SystemError {
    /// ENOSPC, EDQUOT.
    var isDiskFull: Bool { errno == 28 || errno == 122 }
}
