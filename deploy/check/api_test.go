package check

import (
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
)

// drain is how long enqueue serve gives requests that have begun.
const drain = 30 * time.Second

// TestTheHTTPInterfaceInKubernetes: it has the worker's rights, a producer's access to Redis, and
// speaks TLS.
func TestTheHTTPInterfaceInKubernetes(t *testing.T) {
	all := file(t, "api.yaml")
	d, service := only[*appsv1.Deployment](t, all), only[*corev1.Service](t, all)
	pod, worker := d.Spec.Template.Spec, only[*appsv1.Deployment](t, applied(t)).Spec.Template.Spec
	c := pod.Containers[0]
	env, ports, mounts := map[string]string{}, map[string]int32{}, map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	for _, m := range c.VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	secrets := map[string]string{}
	for _, v := range pod.Volumes {
		if v.Secret != nil {
			secrets[v.Name] = v.Secret.SecretName
		}
	}
	check(t, "api.yaml", []rule{
		{"it is enqueue serve", slices.Equal(c.Command, []string{"/enqueue"}) && slices.Equal(c.Args, []string{"serve"})},
		{"it has the worker's rights, which are none", reflect.DeepEqual(c.SecurityContext, worker.Containers[0].SecurityContext)},
		{"it is the worker's user", reflect.DeepEqual(pod.SecurityContext, worker.SecurityContext)},
		{"it never talks to Kubernetes", !*pod.AutomountServiceAccountToken},
		{"it may drain", time.Duration(*pod.TerminationGracePeriodSeconds)*time.Second > drain},
		{"its memory is bounded", !c.Resources.Limits.Memory().IsZero()},
		{"an upgrade starts the new one first", d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() == 0},
		{"it speaks TLS", env["REMESA_API_CERT_FILE"] == mounts["tls"]+"/tls.crt" && env["REMESA_API_CERT_KEY_FILE"] == mounts["tls"]+"/tls.key" && secrets["tls"] != ""},
		{"it is a lesser user of Redis", secrets["secrets"] == "remesa-producer" && path.Dir(env["REMESA_REDIS_URL_FILE"]) == mounts["secrets"] &&
			slices.Contains(secretKeys(t)["remesa-producer"], path.Base(env["REMESA_REDIS_URL_FILE"]))},
		{"results that nobody has read have room", mounts["results"] == "/tmp"},
		{"its image is the worker's", strings.HasPrefix(c.Image, worker.Containers[0].Image+"@sha256:") || c.Image == worker.Containers[0].Image},
		{"it listens where its ports are", env["REMESA_API_ADDR"] == "0.0.0.0:8090" && ports["api"] == 8090 && env["REMESA_API_METRICS_ADDR"] == "0.0.0.0:8091" && ports["metrics"] == 8091},
		{"metrics are not in the Service", len(service.Spec.Ports) == 1 && service.Spec.Ports[0].TargetPort.StrVal == "api"},
	})
	for name, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe.HTTPGet.Path != name || probe.HTTPGet.Scheme != corev1.URISchemeHTTPS || ports[probe.HTTPGet.Port.StrVal] == 0 {
			t.Errorf("the probe of %s asks %+v", name, probe.HTTPGet)
		}
	}
}

func TestEverySelectorFindsTheHTTPInterface(t *testing.T) {
	all := file(t, "api.yaml")
	labels := only[*appsv1.Deployment](t, all).Spec.Template.Labels
	network := only[*networkingv1.NetworkPolicy](t, all)
	check(t, "api.yaml", []rule{
		{"they are not the worker's", !maps.Equal(labels, only[*appsv1.Deployment](t, applied(t)).Spec.Template.Labels)},
		{"the Deployment's does", maps.Equal(only[*appsv1.Deployment](t, all).Spec.Selector.MatchLabels, labels)},
		{"the Service's does", maps.Equal(only[*corev1.Service](t, all).Spec.Selector, labels)},
		{"the disruption budget's does", maps.Equal(only[*policyv1.PodDisruptionBudget](t, all).Spec.Selector.MatchLabels, labels)},
		{"the network policy's does", maps.Equal(network.Spec.PodSelector.MatchLabels, labels)},
		{"it bounds both directions", len(network.Spec.PolicyTypes) == 2},
		{"nobody comes in from everywhere", !slices.ContainsFunc(network.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From) == 0 || len(r.Ports) == 0 })},
		{"it calls no provider", !slices.ContainsFunc(network.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return len(r.To) == 0 || len(r.Ports) == 0 || slices.ContainsFunc(r.To, func(p networkingv1.NetworkPolicyPeer) bool { return p.IPBlock != nil })
		})},
	})
}

// TestTheHTTPInterfaceInCompose runs only where it is asked for, and is reached from this machine.
func TestTheHTTPInterfaceInCompose(t *testing.T) {
	p, err := load(read(t, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := p.DisabledServices["api"]
	check(t, "api", []rule{
		{"it is enqueue serve", slices.Equal(s.Entrypoint, []string{"/enqueue"}) && slices.Equal(s.Command, []string{"serve"})},
		{"it is one of Redis' lesser users", *s.Environment["REMESA_REDIS_URL_FILE"] == "/run/secrets/producer_redis_url" && len(s.Secrets) == 1 && s.Secrets[0].Source == "producer_redis_url"},
		{"plain HTTP stays on this machine", len(s.Ports) == 1 && s.Ports[0].HostIP == "127.0.0.1" && *s.Environment["REMESA_API_ALLOW_PLAIN"] == "true"},
		{"it may drain", time.Duration(*s.StopGracePeriod) > drain},
		{"it waits for Redis", s.DependsOn["redis"].Condition == types.ServiceConditionHealthy},
		{"it writes nothing but results that nobody has read", s.ReadOnly && len(s.Tmpfs) == 1 && strings.HasPrefix(s.Tmpfs[0], "/tmp:")},
		{"it has no rights", slices.Equal(s.CapDrop, []string{"ALL"}) && slices.Contains(s.SecurityOpt, "no-new-privileges:true")},
		{"it comes back after a crash", s.Restart == "unless-stopped"},
		{"Prometheus finds its metrics", slices.Contains(slices.Collect(maps.Keys(s.Networks)), "watch") && *s.Environment["REMESA_API_METRICS_ADDR"] == "0.0.0.0:8091" &&
			strings.Contains(string(read(t, "prometheus/prometheus.yml")), "names: [api]\n        type: A\n        port: 8091")},
	})
}
