package check

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// meta is what every object begins with.
type meta struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string            `json:"name"`
		Namespace string            `json:"namespace,omitempty"`
		Labels    map[string]string `json:"labels,omitempty"`
	} `json:"metadata"`
}

type named struct {
	Name string `json:"name"`
}

type secretRef struct {
	Parameter string `json:"parameter"`
	Name      string `json:"name"`
	Key       string `json:"key"`
}

// scaledObject and triggerAuthentication are what we use of KEDA's.
type scaledObject struct {
	meta `json:",inline"`
	Spec struct {
		ScaleTargetRef  named `json:"scaleTargetRef"`
		PollingInterval int32 `json:"pollingInterval"`
		CooldownPeriod  int32 `json:"cooldownPeriod"`
		MinReplicaCount int32 `json:"minReplicaCount"`
		MaxReplicaCount int32 `json:"maxReplicaCount"`
		Triggers        []struct {
			Type              string            `json:"type"`
			Metadata          map[string]string `json:"metadata"`
			AuthenticationRef named             `json:"authenticationRef"`
		} `json:"triggers"`
	} `json:"spec"`
}

type triggerAuthentication struct {
	meta `json:",inline"`
	Spec struct {
		SecretTargetRef []secretRef `json:"secretTargetRef"`
	} `json:"spec"`
}

type kustomization struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Namespace  string   `json:"namespace"`
	Resources  []string `json:"resources"`
	Images     []struct {
		Name    string `json:"name"`
		NewName string `json:"newName"`
		Digest  string `json:"digest"`
	} `json:"images"`
}

// endpoint, podMonitor and serviceMonitor are what we use of the Prometheus Operator's.
type endpoint struct {
	Port     string `json:"port"`
	Path     string `json:"path"`
	Interval string `json:"interval"`
}

type podMonitor struct {
	meta `json:",inline"`
	Spec struct {
		JobLabel            string               `json:"jobLabel"`
		Selector            metav1.LabelSelector `json:"selector"`
		PodMetricsEndpoints []endpoint           `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

type serviceMonitor struct {
	meta `json:",inline"`
	Spec struct {
		JobLabel  string               `json:"jobLabel"`
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []endpoint           `json:"endpoints"`
	} `json:"spec"`
}

// kinds are those that we know to read; a field that a kind does not have is an error.
var kinds = map[string]func() any{
	"v1/ServiceAccount":                       func() any { return new(corev1.ServiceAccount) },
	"v1/ConfigMap":                            func() any { return new(corev1.ConfigMap) },
	"v1/Service":                              func() any { return new(corev1.Service) },
	"v1/Secret":                               func() any { return new(corev1.Secret) },
	"apps/v1/Deployment":                      func() any { return new(appsv1.Deployment) },
	"policy/v1/PodDisruptionBudget":           func() any { return new(policyv1.PodDisruptionBudget) },
	"networking.k8s.io/v1/NetworkPolicy":      func() any { return new(networkingv1.NetworkPolicy) },
	"batch/v1/Job":                            func() any { return new(batchv1.Job) },
	"monitoring.coreos.com/v1/PodMonitor":     func() any { return new(podMonitor) },
	"monitoring.coreos.com/v1/ServiceMonitor": func() any { return new(serviceMonitor) },
	"keda.sh/v1alpha1/ScaledObject":           func() any { return new(scaledObject) },
	"keda.sh/v1alpha1/TriggerAuthentication":  func() any { return new(triggerAuthentication) },
}

var separator = regexp.MustCompile(`(?m)^---\s*$`)

// decode reads the objects of a file, each into its own type.
func decode(text []byte) ([]any, error) {
	var objects []any
	for _, part := range separator.Split(string(text), -1) {
		var m meta
		if err := yaml.Unmarshal([]byte(part), &m); err != nil {
			return nil, err
		}
		make, known := kinds[m.APIVersion+"/"+m.Kind]
		if !known {
			return nil, fmt.Errorf("unknown kind %s/%s", m.APIVersion, m.Kind)
		}
		object := make()
		if err := strict([]byte(part), object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.Kind, m.Metadata.Name, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}

// strict decodes as the API server does: unlike Go's own decoder it knows capitals from small
// letters.
func strict(text []byte, object any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	problems, err := json.UnmarshalStrict(data, object)
	return errors.Join(append(problems, err)...)
}

// only finds the one object of a type.
func only[T any](t testing.TB, objects []any) T {
	t.Helper()
	var found []T
	for _, o := range objects {
		if o, ok := o.(T); ok {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of type %T, want one", len(found), *new(T))
	}
	return found[0]
}

func applied(t testing.TB) []any {
	t.Helper()
	var k kustomization
	if err := strict(read(t, "kubernetes/kustomization.yaml"), &k); err != nil {
		t.Fatal(err)
	}
	var all []any
	for _, name := range k.Resources {
		objects, err := decode(read(t, path.Join("kubernetes", name)))
		if err != nil {
			t.Fatalf("%s: %s", name, err)
		}
		all = append(all, objects...)
	}
	return all
}

// secretKeys lists the keys of each Secret of the example.
func secretKeys(t testing.TB) map[string][]string {
	t.Helper()
	objects, err := decode(read(t, "kubernetes/secret.example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string][]string{}
	for _, o := range objects {
		s := o.(*corev1.Secret)
		for key := range s.StringData {
			keys[s.Name] = append(keys[s.Name], key)
		}
	}
	return keys
}

func TestTheWorkersPod(t *testing.T) {
	d := only[*appsv1.Deployment](t, applied(t))
	pod := d.Spec.Template.Spec
	if len(pod.Containers) != 1 {
		t.Fatalf("%d containers", len(pod.Containers))
	}
	c := pod.Containers[0]
	ps, cs := pod.SecurityContext, c.SecurityContext
	check(t, "worker.yaml", []rule{
		{"it runs as an ordinary user", *ps.RunAsNonRoot && *ps.RunAsUser > 0 && *ps.RunAsGroup > 0},
		{"its system calls are filtered", ps.SeccompProfile.Type == corev1.SeccompProfileTypeRuntimeDefault},
		{"it cannot gain rights", !*cs.AllowPrivilegeEscalation && !*cs.Privileged},
		{"it has no capability", slices.Equal(cs.Capabilities.Drop, []corev1.Capability{"ALL"}) && len(cs.Capabilities.Add) == 0},
		{"it writes nothing", *cs.ReadOnlyRootFilesystem},
		{"it never talks to Kubernetes", !*pod.AutomountServiceAccountToken},
		{"it may drain for lease + 30 s", *pod.TerminationGracePeriodSeconds >= int64((90 * time.Second).Seconds())},
		{"it is live by /healthz", c.LivenessProbe.HTTPGet.Path == "/healthz"},
		{"it is ready by /readyz", c.ReadinessProbe.HTTPGet.Path == "/readyz"},
		{"its memory is bounded", !c.Resources.Limits.Memory().IsZero()},
		{"it asks for processor and memory", !c.Resources.Requests.Cpu().IsZero() && !c.Resources.Requests.Memory().IsZero()},
		{"an upgrade starts the new one first", d.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue() == 0},
		{"KEDA alone says how many there are", d.Spec.Replicas == nil},
	})
	ports := map[string]bool{}
	for _, p := range c.Ports {
		ports[p.Name] = true
	}
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe} {
		if !ports[probe.HTTPGet.Port.StrVal] {
			t.Errorf("a probe asks port %s, which is not there", probe.HTTPGet.Port.String())
		}
	}
}

// TestSecretsAreFilesThatAreThere: each variable that names one leads to a key of the mounted
// Secret, and none holds a secret itself.
func TestSecretsAreFilesThatAreThere(t *testing.T) {
	pod := only[*appsv1.Deployment](t, applied(t)).Spec.Template.Spec
	keys := secretKeys(t)
	mount, volume := pod.Containers[0].VolumeMounts[0], pod.Volumes[0]
	if mount.Name != volume.Name || !mount.ReadOnly || volume.Secret == nil || volume.Secret.Optional != nil || *volume.Secret.DefaultMode&0o007 != 0 {
		t.Errorf("%+v, %+v", mount, volume)
	}
	files := 0
	for _, e := range pod.Containers[0].Env {
		if !strings.HasSuffix(e.Name, "_FILE") {
			continue
		}
		files++
		if path.Dir(e.Value) != mount.MountPath || !slices.Contains(keys[volume.Secret.SecretName], path.Base(e.Value)) {
			t.Errorf("%s names %s, which is not mounted", e.Name, e.Value)
		}
	}
	if files < 3 {
		t.Errorf("only %d files", files)
	}
	for name := range only[*corev1.ConfigMap](t, applied(t)).Data {
		if regexp.MustCompile(`PASSWORD|TOKEN|SECRET|API_KEY|REDIS_URL`).MatchString(name) {
			t.Errorf("the ConfigMap holds %s", name)
		}
	}
}

// file reads the objects of one file.
func file(t testing.TB, name string) []any {
	t.Helper()
	objects, err := decode(read(t, path.Join("kubernetes", name)))
	if err != nil {
		t.Fatalf("%s: %s", name, err)
	}
	return objects
}

// TestTheJobThatSubmits runs enqueue as the worker runs, with a producer's access to Redis.
func TestTheJobThatSubmits(t *testing.T) {
	job := only[*batchv1.Job](t, file(t, "submit-job.yaml"))
	pod := job.Spec.Template.Spec
	c, worker := pod.Containers[0], only[*appsv1.Deployment](t, applied(t)).Spec.Template.Spec
	mounted := map[string]string{}
	for _, v := range pod.Volumes {
		mounted[v.Name] = v.Secret.SecretName
	}
	rules := job.Spec.PodFailurePolicy.Rules
	check(t, "submit-job.yaml", []rule{
		{"it is enqueue", slices.Equal(c.Command, []string{"/enqueue"}) && c.Args[0] == "submit"},
		{"it has the worker's rights, which are none", reflect.DeepEqual(c.SecurityContext, worker.Containers[0].SecurityContext)},
		{"it is the worker's user", reflect.DeepEqual(pod.SecurityContext, worker.SecurityContext)},
		{"it never talks to Kubernetes", !*pod.AutomountServiceAccountToken},
		{"it does not begin again in the same pod", pod.RestartPolicy == corev1.RestartPolicyNever},
		{"what is invalid is not tried again", len(rules) == 1 && slices.Contains(rules[0].OnExitCodes.Values, 2)},
		{"it is a lesser user of Redis", mounted["secrets"] == "remesa-producer" && c.Env[0].Value == c.VolumeMounts[0].MountPath+"/"+secretKeys(t)["remesa-producer"][0]},
		{"its image is a certain one", strings.Contains(c.Image, "@sha256:")},
	})
}

// TestComponents: each only adds to what is applied.
func TestComponents(t *testing.T) {
	labels := only[*appsv1.Deployment](t, applied(t)).Spec.Template.Labels
	port := only[*appsv1.Deployment](t, applied(t)).Spec.Template.Spec.Containers[0].Ports[0].Name
	selects := func(selector map[string]string) bool {
		for name, value := range selector {
			if labels[name] != value {
				return false
			}
		}
		return len(selector) > 0
	}
	for _, component := range []string{"managed-redis", "webhook", "prometheus-operator"} {
		var k kustomization
		if err := strict(read(t, path.Join("kubernetes/components", component, "kustomization.yaml")), &k); err != nil || k.Kind != "Component" {
			t.Fatalf("%s: %v, kind %s", component, err, k.Kind)
		}
		for _, name := range k.Resources {
			for _, o := range file(t, path.Join("components", component, name)) {
				switch o := o.(type) {
				case *networkingv1.NetworkPolicy:
					check(t, component, []rule{
						{"it is about the worker", selects(o.Spec.PodSelector.MatchLabels)},
						{"it allows something, and names both ends", len(o.Spec.Ingress)+len(o.Spec.Egress) == 1 && len(o.Spec.PolicyTypes) == 1},
					})
				case *podMonitor:
					check(t, component, []rule{
						{"the job is what the rules look for", labels[o.Spec.JobLabel] == "remesa"},
						{"it finds the worker", selects(o.Spec.Selector.MatchLabels) && o.Spec.PodMetricsEndpoints[0].Port == port},
					})
				default:
					t.Errorf("%s: %T", component, o)
				}
			}
		}
	}
	service := only[*corev1.Service](t, applied(t))
	s := only[*serviceMonitor](t, file(t, "servicemonitor.yaml"))
	check(t, "servicemonitor.yaml", []rule{
		{"the job is what the rules look for", service.Labels[s.Spec.JobLabel] == "remesa"},
		{"it finds the service", maps.Equal(s.Spec.Selector.MatchLabels, service.Labels) && s.Spec.Endpoints[0].Port == service.Spec.Ports[0].Name},
	})
}

// TestTheImageIsNamedByItsDigest: a tag can come to mean another image.
func TestTheImageIsNamedByItsDigest(t *testing.T) {
	var k kustomization
	if err := strict(read(t, "kubernetes/kustomization.yaml"), &k); err != nil || len(k.Images) != 1 {
		t.Fatalf("%v, %d images", err, len(k.Images))
	}
	image := only[*appsv1.Deployment](t, applied(t)).Spec.Template.Spec.Containers[0].Image
	if k.Images[0].Name != image || !strings.HasPrefix(k.Images[0].Digest, "sha256:") {
		t.Errorf("the worker's image is %s, kustomization.yaml has %+v", image, k.Images[0])
	}
}

func TestEverySelectorFindsTheWorker(t *testing.T) {
	all := applied(t)
	d := only[*appsv1.Deployment](t, all)
	labels := d.Spec.Template.Labels
	budget := only[*policyv1.PodDisruptionBudget](t, all)
	network := only[*networkingv1.NetworkPolicy](t, all)
	finds := func(selector map[string]string) bool {
		for name, value := range selector {
			if labels[name] != value {
				return false
			}
		}
		return len(selector) > 0
	}
	check(t, "kubernetes/", []rule{
		{"the Deployment finds its pods", finds(d.Spec.Selector.MatchLabels)},
		{"the Service finds them", finds(only[*corev1.Service](t, all).Spec.Selector)},
		{"the disruption budget finds them", finds(budget.Spec.Selector.MatchLabels)},
		{"one at a time", budget.Spec.MaxUnavailable.IntValue() == 1},
		{"the network policy finds them", finds(network.Spec.PodSelector.MatchLabels)},
		{"it bounds both directions", len(network.Spec.PolicyTypes) == 2},
		{"nobody comes in from everywhere", !slices.ContainsFunc(network.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From) == 0 })},
		{"nothing goes out to everywhere", !slices.ContainsFunc(network.Spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return len(r.To) == 0 || len(r.Ports) == 0 })},
		{"the cloud's metadata cannot be read", metadataIsOut(network)},
		{"the service account has no token", !*only[*corev1.ServiceAccount](t, all).AutomountServiceAccountToken},
	})
}

func metadataIsOut(n *networkingv1.NetworkPolicy) bool {
	for _, rule := range n.Spec.Egress {
		for _, to := range rule.To {
			if to.IPBlock != nil && !slices.Contains(to.IPBlock.Except, "169.254.0.0/16") {
				return false
			}
		}
	}
	return true
}

func TestScaling(t *testing.T) {
	all := applied(t)
	s, auth := only[*scaledObject](t, all), only[*triggerAuthentication](t, all)
	check(t, "keda.yaml", []rule{
		{"it scales the worker", s.Spec.ScaleTargetRef.Name == only[*appsv1.Deployment](t, all).Name},
		{"never to zero: payments in doubt must be queried", s.Spec.MinReplicaCount >= 1},
		{"there is an end to it", s.Spec.MaxReplicaCount > s.Spec.MinReplicaCount},
		{"by a provider's two queues of sends", len(s.Spec.Triggers) == 2 && s.Spec.Triggers[0].Metadata["listName"] != s.Spec.Triggers[1].Metadata["listName"]},
	})
	for _, trigger := range s.Spec.Triggers {
		check(t, "keda.yaml", []rule{
			{"each by a queue", trigger.Type == "redis" && trigger.Metadata["listName"] != ""},
			{"with its credentials", trigger.AuthenticationRef.Name == auth.Metadata.Name},
		})
	}
	keys := secretKeys(t)
	for _, ref := range auth.Spec.SecretTargetRef {
		if !slices.Contains(keys[ref.Name], ref.Key) {
			t.Errorf("%s: no key %s in Secret %s", ref.Parameter, ref.Key, ref.Name)
		}
	}
}

// TestAMistakeIsFound: what the other tests rely on.
func TestAMistakeIsFound(t *testing.T) {
	good := read(t, "kubernetes/worker.yaml")
	for sentence, change := range map[string][2]string{
		"a field that is misspelt":   {"readOnlyRootFilesystem", "readOnlyRootFileSystem"},
		"a field at the wrong place": {"    spec:\n      serviceAccountName", "    spec:\n      replicas: 2\n      serviceAccountName"},
		"a number that is none":      {"terminationGracePeriodSeconds: 90", "terminationGracePeriodSeconds: 90s"},
		"a version that is gone":     {"policy/v1", "policy/v1beta1"},
	} {
		bad := strings.Replace(string(good), change[0], change[1], 1)
		if bad == string(good) {
			t.Errorf("%s: nothing was changed", sentence)
		}
		if _, err := decode([]byte(bad)); err == nil {
			t.Errorf("%s is accepted", sentence)
		}
	}
}
