// What a program that embeds the aggregator needs: `import Rollcall` is enough.
@_exported public import AffiliateMerge
@_exported public import ClusterModel
@_exported public import LocalNode
@_exported public import RegistryKit
@_exported public import RollcallConfiguration
