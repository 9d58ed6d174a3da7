/// The configuration file that `rollcall gen config` prints.
enum StartingConfiguration {
  static let text = """
    # Rollcall: who is in this cluster, and who says so?
    #
    # `rollcall config check FILE` tells everything that is wrong with this file, `rollcall plugins list` which
    # registries there are, `rollcall plugins show NAME` what can be written beside `plugin`.

    cluster:
      # The cluster's own id and secret, shared by all its nodes: `rollcall gen secrets` makes them.
      # id: …
      # secretFile: cluster.secret

      discovery:
        enabled: true
        registries:
          # The discovery service: enabled where the cluster has an id and a secret.
          service:
            disabled: true
          # The cluster's own Kubernetes.
          kubernetes:
            disabled: true
          # Members that a file lists; paths are relative to this file's folder. The file is watched.
          members:
            plugin: static-file
            path: members.yaml
            # What it last said stays when it fails, and gives way to others after a while: keep or drop.
            # onFailure: keep
            # staleAfter: 5m

    # Whose word counts where registries disagree, the strongest first. Without it the rule of existing nodes
    # holds: of the raw ids in order, the last one that says something wins.
    # merge:
    #   precedence: [members]

    # What this machine tells of itself. What isn't written is found out.
    node:
      # false: a mere observer, neither published nor listed.
      publish: true
      # nodename: worker-1
      # machineType: worker
      # addressFilter:
      #   include: [10.0.0.0/8]
      #   exclude: [10.244.0.0/16]
      # controlPlane:
      #   port: 6443

    # An encrypted mesh between the nodes, over WireGuard. It needs the cluster's id and secret.
    # kubespan:
    #   enabled: true

    # Folders with plugins, beside those of ROLLCALL_PLUGIN_PATH and of the executable.
    # plugins:
    #   path: [/usr/local/lib/rollcall]

    # Where the node keeps its identity.
    # stateDirectory: /var/lib/rollcall

    """
}
